# Every table and figure in one HTML page that needs nothing else: no network, no other file.
from align.workflow.provenance import value_hash


report: "../report/workflow.rst"


rule report:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.verdict.output,
    output:
        paths.REPORT,
    log:
        paths.log("report"),
    conda:
        ENVIRONMENT
    group:
        "presentation"
    resources:
        **cost(),
    params:
        presentation=value_hash([path.read_text() for path in PRESENTATION]),
    script:
        "../workflow_scripts/report.py"
