# Tables: as tidy CSV for machines; as Markdown, LaTeX and HTML (in the report) for people.
from align.tables.assumptions import declared_in


rule data_table:
    input:
        splits=expand("results/data/{dataset}/splits.csv", dataset=DATASETS),
        counts=expand("results/data/{dataset}/counts.csv", dataset=DATASETS),
        acquisitions=expand("results/data/{dataset}/acquisition.json", dataset=DATASETS),
    output:
        **table_files("data", "Data"),
    log:
        "results/logs/tables/data.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        datasets=list(DATASETS),
        code=code_hash("align.tables.data", "align.tables.writing"),
    script:
        "../workflow_scripts/table_of_data.py"


rule in_distribution:
    input:
        "results/metrics.csv",
        PUBLISHED,
    output:
        **table_files("in_distribution", "In distribution"),
    log:
        "results/logs/tables/in_distribution.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        table="align.tables.in_distribution:in_distribution",
        code=code_hash("align.tables.in_distribution", "align.tables.writing"),
    script:
        "../workflow_scripts/table_of_metrics.py"


use rule in_distribution as out_of_distribution with:
    input:
        "results/metrics.csv",
    output:
        **table_files("out_of_distribution", "Out of distribution"),
    log:
        "results/logs/tables/out_of_distribution.log",
    params:
        table="align.tables.out_of_distribution:out_of_distribution",
        code=code_hash("align.tables.out_of_distribution", "align.tables.writing"),


use rule out_of_distribution as explanation_quality with:
    output:
        **table_files("explanation_quality", "Explanation quality"),
    log:
        "results/logs/tables/explanation_quality.log",
    params:
        table="align.tables.explanation_quality:explanation_quality",
        code=code_hash("align.tables.explanation_quality", "align.tables.writing"),


rule assumptions:
    output:
        **table_files("assumptions", "Assumptions"),
    log:
        "results/logs/tables/assumptions.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        rows=[assumption._asdict() for assumption in declared_in(CONFIGURATION)],
        code=code_hash("align.tables.assumptions", "align.tables.writing"),
    script:
        "../workflow_scripts/table_of_assumptions.py"


rule runs:
    input:
        of_runs("results/runs/{run.path}/run.json"),
    output:
        **table_files("runs", "Runs"),
    log:
        "results/logs/tables/runs.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_hash("align.tables.runs", "align.tables.writing"),
    script:
        "../workflow_scripts/table_of_runs.py"


rule tables:
    """Every table."""
    input:
        CHECKED,
        rules.data_table.output,
        rules.in_distribution.output,
        rules.out_of_distribution.output,
        rules.explanation_quality.output,
        rules.assumptions.output,
        rules.runs.output,
