# The results page: one HTML file with the verdict, the tables, the figures, and test images to look through.
from align.page import TEMPLATE

ON_THE_PAGE = figure_names(left_out=["case_studies", "rule_graph"])  # the explorer shows more, and the report the rules


rule explorer:
    input:
        **MODELS_AND_IMAGES,
        evaluations=lambda wildcards: PLACES.runs(paths.IMAGE_METRICS, first_seeds_of_page(wildcards)),
    output:
        configured(paths.EXPLORER),
    log:
        configured_log(f"explorer/{paths.PAGE}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, gpu=GPU),
    params:
        **EXPLAINED_BY_MODELS,
        shown=lookup("explorer", within=SETTINGS),
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
