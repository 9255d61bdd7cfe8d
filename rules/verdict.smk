# The paper's claims with a verdict each.
CLAIMS = os.path.relpath(Path(workflow.basedir, "reference/claims.yaml"))
JUDGED = [run for run in RUNS if run.protocol == "single_source"]  # no claim is about another protocol


rule verdict:
    input:
        claims=CLAIMS,
        published=PUBLISHED,
        metrics="results/metrics.csv",
        images=[f"results/evaluations/{run.path}/images.csv.gz" for run in JUDGED],
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
        mem_mb=per_attempt(4000),
        runtime=per_attempt(30),
    params:
        runs=[run._asdict() for run in JUDGED],
        left_out=reasons_left_out(),
        code=code_hash("align.tables.verdict", "align.tables.writing", "align.verdict.answers"),
    script:
        "../workflow_scripts/verdict.py"
