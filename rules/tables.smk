# Tables: as tidy CSV for machines; as Markdown, LaTeX and HTML (in the report) for people.
from align.configuration.assumptions import declared_in

for name, entry in TABLES.items():
    if entry.reads:

        rule:
            name:
                name
            input:
                read_files(entry),
            output:
                **table_files(name),
            log:
                configured_log(f"tables/{name}"),
            group:
                "presentation"
            conda:
                ENVIRONMENT
            resources:
                **cost(),
            params:
                **hashed("settings", function_settings(entry)),
                caption=caption(entry.implementation),
                loads=[entry.implementation],
            message:
                f"Making table {name}"
            script:
                "../workflow_scripts/table.py"


rule data_table:
    input:
        splits=per_dataset(paths.SPLITS),
        counts=per_dataset(paths.COUNTS),
        passed_over=per_dataset(paths.PASSED_OVER),
        duplicates=per_dataset(paths.DUPLICATES),
        acquisitions=per_dataset(paths.ACQUISITION),
        ground_truth=every_ground_truth(paths.GROUND_TRUTH_ACCOUNT),
    output:
        **table_files("data"),
    log:
        configured_log("tables/data"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        **hashed(
            "ground_truth",
            {
                name: dict(zip(dataset.domains, PLAN.ground_truth_files(paths.GROUND_TRUTH_ACCOUNT, name)))
                for name, dataset in DATASETS.items()
            },
        ),
        caption=caption(TABLES["data"].implementation),
        datasets=list(DATASETS),
    message:
        "Making table data"
    script:
        "../workflow_scripts/table_of_data.py"


rule assumptions:
    output:
        **table_files("assumptions"),
    log:
        configured_log("tables/assumptions"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        **hashed("rows", [assumption._asdict() for assumption in declared_in(CONFIGURATION)]),
        caption=caption(TABLES["assumptions"].implementation),
    message:
        "Making table assumptions"
    script:
        "../workflow_scripts/table_of_assumptions.py"


rule runs:
    input:
        per_run(paths.ACCOUNT),
    output:
        **table_files("runs"),
    log:
        configured_log("tables/runs"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        caption=caption(TABLES["runs"].implementation),
    message:
        "Making table runs"
    script:
        "../workflow_scripts/table_of_runs.py"


SHOWN_BY_CLASS = ("comparison", "controls", "masker_ablation")
STUDIED_BY_CLASS = {run: [study for study in studies if study in SHOWN_BY_CLASS] for run, studies in PLAN.studies.items()}
RUNS_BY_CLASS = [run for run, studies in STUDIED_BY_CLASS.items() if studies]


rule by_class:
    input:
        per_run(paths.IMAGE_METRICS, RUNS_BY_CLASS),
    output:
        **table_files("by_class"),
    log:
        configured_log("tables/by_class"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=2000),
    params:
        **hashed("runs", [run._asdict() | {"studies": STUDIED_BY_CLASS[run]} for run in RUNS_BY_CLASS]),
        **hashed("source_domains", list(map(PLAN.source_domains, RUNS_BY_CLASS))),
        caption=caption(TABLES["by_class"].implementation),
    message:
        "Making table by_class"
    script:
        "../workflow_scripts/table_by_class.py"


rule tables:
    """Every table."""
    input:
        checked,
        expand(configured(paths.TABLE), table=TABLES, kind=["html", "csv", "md", "tex"]),
    message:
        "Every table is made"
