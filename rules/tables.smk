# Tables: as tidy CSV for machines; as Markdown, LaTeX and HTML (in the report) for people.
from align.configuration.assumptions import declared_in


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
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
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
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        table="align.tables.in_distribution:in_distribution",
        code=code_hash("align.tables.in_distribution", "align.tables.writing"),
    script:
        "../workflow_scripts/table_of_metrics.py"


use rule in_distribution as out_of_distribution with:
    output:
        **table_files("out_of_distribution", "Out of distribution"),
    log:
        "results/logs/tables/out_of_distribution.log",
    params:
        table="align.tables.out_of_distribution:out_of_distribution",
        code=code_hash("align.tables.out_of_distribution", "align.tables.writing"),


use rule in_distribution as leave_one_domain_out with:
    input:
        "results/metrics.csv",
        PUBLISHED_ELSEWHERE,
    output:
        **table_files("leave_one_domain_out", "Leave one domain out"),
    log:
        "results/logs/tables/leave_one_domain_out.log",
    params:
        table="align.tables.leave_one_domain_out:leave_one_domain_out",
        code=code_hash("align.tables.leave_one_domain_out", "align.tables.writing"),


use rule in_distribution as explanation_quality with:
    input:
        "results/metrics.csv",
    output:
        **table_files("explanation_quality", "Explanation quality"),
    log:
        "results/logs/tables/explanation_quality.log",
    params:
        table="align.tables.explanation_quality:explanation_quality",
        code=code_hash("align.tables.explanation_quality", "align.tables.writing"),


use rule explanation_quality as theory with:
    output:
        **table_files("theory", "Theory in numbers"),
    log:
        "results/logs/tables/theory.log",
    params:
        table="align.tables.theory:theory",
        code=code_hash("align.tables.theory", "align.tables.writing"),


use rule in_distribution as masker_ablation with:
    output:
        **table_files("masker_ablation", "Masker ablation"),
    log:
        "results/logs/tables/masker_ablation.log",
    params:
        table="align.tables.masker_ablation:masker_ablation",
        said={"left_out": reasons_left_out()},
        code=code_hash("align.tables.masker_ablation", "align.tables.writing"),


use rule in_distribution as mask_quality with:
    input:
        "results/metrics.csv",
    output:
        **table_files("mask_quality", "Mask quality"),
    log:
        "results/logs/tables/mask_quality.log",
    params:
        table="align.tables.mask_quality:mask_quality",
        said={"left_out": reasons_left_out(), "variants": variants_of_study("mask_quality")},
        code=code_hash("align.tables.mask_quality", "align.tables.writing"),


rule assumptions:
    output:
        **table_files("assumptions", "Assumptions"),
    log:
        "results/logs/tables/assumptions.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
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
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
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
        rules.leave_one_domain_out.output,
        rules.explanation_quality.output,
        rules.masker_ablation.output,
        rules.mask_quality.output,
        rules.theory.output,
        rules.assumptions.output,
        rules.runs.output,
