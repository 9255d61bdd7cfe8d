# A verdict on each claim of the paper.
CLAIMS = own_file("reference/claims.yaml")
PARTS = {name: dataset.part_of for name, dataset in DATASETS.items() if dataset.part_of}
CLAIMED_RUNS = [run for run in RUNS if run.protocol == "single_source"]  # no claim is about another protocol


rule verdict:
    input:
        claims=CLAIMS,
        published=reference("align_paper"),
        metrics=configured(paths.METRICS),
        images=per_run(paths.IMAGE_METRICS, CLAIMED_RUNS),
        counts=[PLACES.dataset(paths.COUNTS, name) for name in PARTS],
        ratings=[configured(paths.RATINGS)] if CONFIGURATION.ratings else [],
    output:
        **{kind: configured(paths.VERDICT, kind=kind) for kind in ("csv", "md", "tex")},
        html=report(configured(paths.VERDICT, kind="html"), caption=CAPTION, category="Verdict", labels={"table": "Claims"}),
    log:
        configured_log("verdict"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, minutes=30),
    params:
        **hashed("runs", [run._asdict() for run in CLAIMED_RUNS]),
        **hashed("left_out", PLAN.left_out),
        parts=PARTS,
        caption=caption("align.tables.verdict:verdict"),
    message:
        "Giving a verdict on each claim of the paper"
    script:
        "../workflow_scripts/verdict.py"
