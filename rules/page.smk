# The results page: one HTML file with the verdict, the tables, the figures, and test images to look through.
from align.page import TEMPLATE

ON_THE_PAGE = figure_names(left_out=["case_studies", "rule_graph"])  # the explorer shows more, and the report the rules


rule explorer:
    input:
        checkpoints=lambda wildcards: PLACES.runs(paths.CHECKPOINT, first_seeds_of_page(wildcards)),
        evaluations=lambda wildcards: PLACES.runs(paths.IMAGE_METRICS, first_seeds_of_page(wildcards)),
        splits=per_job_dataset(paths.SPLITS),
        images=per_domain(paths.IMAGES),
        ground_truth=ground_truth_files(paths.GROUND_TRUTH),
    output:
        configured(paths.EXPLORER),
    log:
        configured_log(f"explorer/{paths.PAGE}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, gpu=GPU),
    params:
        shown=lookup("explorer", within=SETTINGS),
        source_domains=source_domains_of_page,
        runs=lambda wildcards: {run.method: PLAN.run_settings(run) for run in first_seeds_of_page(wildcards)},
        evaluation=lookup("evaluation", within=SETTINGS),
        attribution=PLAN.attribution,
        domains=dataset_setting("domains"),
        loads=lambda wildcards: [
            PLAN.attribution,
            *(name for run in first_seeds_of_page(wildcards) for name in PLAN.run_code(run)),
        ],
    message:
        "Collecting images for the results page: {wildcards.dataset}, {wildcards.protocol}, {wildcards.domain}"
    script:
        "../workflow_scripts/explorer.py"


rule results_page:
    input:
        verdict=configured(paths.VERDICT, kind="csv"),
        tables=[configured(paths.TABLE, table=name, kind="html") for name in TABLES],
        figures=[configured(paths.FIGURE, figure=name, kind="svg") for name in ON_THE_PAGE],
        explorers=list(map(explorer_of, PLAN.pages)),
        accounts=per_run(paths.ACCOUNT),
    output:
        configured(paths.RESULTS_PAGE),
    log:
        configured_log("results_page"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        name=NAME,
        tables=list(TABLES),
        figures=ON_THE_PAGE,
        left_out=PLAN.left_out,
        explorer=lookup("explorer", within=SETTINGS),
        template=value_hash([path.read_text() for path in sorted(TEMPLATE.iterdir())]),
    message:
        "Writing the results page"
    script:
        "../workflow_scripts/results_page.py"
