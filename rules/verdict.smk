# The paper's claims with a verdict each, and the average ranks of the methods.
CLAIMS = os.path.relpath(Path(workflow.basedir, "reference/claims.yaml"))


rule verdict:
    input:
        claims=CLAIMS,
        published=PUBLISHED,
        metrics="results/metrics.csv",
        images=of_runs("results/evaluations/{run.path}/images.csv.gz"),
    output:
        csv="results/verdict.csv",
        md="results/verdict.md",
        tex="results/verdict.tex",
        html=report("results/verdict.html", caption="../report/verdict.rst", category="Verdict", labels={"table": "Claims"}),
    log:
        "results/logs/verdict.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        runs=[run._asdict() for run in RUNS],
        left_out=reasons_left_out(),
        code=code_hash("align.tables.verdict", "align.tables.writing", "align.verdict.answers"),
    script:
        "../workflow_scripts/verdict.py"


rule average_ranks:
    input:
        "results/metrics.csv",
    output:
        **figure_files("average_ranks", "Average ranks"),
    log:
        "results/logs/figures/average_ranks.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code_hash("align.figures.critical_difference", "align.figures.style", "align.verdict.ranks"),
    script:
        "../workflow_scripts/average_ranks.py"
