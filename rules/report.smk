# Every table and figure in one HTML page that needs nothing else: no network, no other file.
from align.workflow.provenance import value_hash


report: "../report/workflow.rst"


rule report:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.verdict.output,
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        presentation=value_hash([path.read_text() for path in PRESENTATION]),
    script:
        "../workflow_scripts/report.py"
