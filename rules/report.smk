# Every table and figure in one HTML page. It needs no network and no other file.


report: "../report/workflow.rst"


rule report:
    input:
        rules.tables.input,
        rules.figures.input,
        rules.verdict.output,
        snakefile=ancient(own_file("Snakefile")),
    output:
        configured(paths.REPORT),
    log:
        configured_log("report"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        presentation=value_hash([path.read_text() for path in PRESENTATION]),
    message:
        "Putting every table and figure into one HTML page"
    script:
        "../workflow_scripts/report.py"
