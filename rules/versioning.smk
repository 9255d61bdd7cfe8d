# Puts data and finished checkpoints under DVC, in one job. What it writes decides at the next parse which runs are trained.
DEGRADES_MASKS = any(PLAN.hyper_parameters(run.method).get("degradation", "none") != "none" for run in RUNS)
PUBLISHED_FIGURES = {
    "accuracy_vs_explanation": "accuracy_vs_explanation",
    **{"case_studies": f"case_studies/{page}" for page in list(PLAN.pages)[:1]},
    **(
        {"mask_degradation": "mask_degradation"}
        if DEGRADES_MASKS
        else {"training_curves": f"training_curves/{page}" for page in list(PLAN.pages)[:1]}
    ),
}


rule snapshot:
    """Publish every run that was trained here, and add data and checkpoints to DVC. Then run `git commit` and `dvc push`."""
    input:
        runs=lambda wildcards: [
            path for file in (paths.CHECKPOINT, paths.HISTORY, paths.ACCOUNT) for path in PLACES.runs(file, PLAN.trained)
        ],
        evaluations=per_run(paths.RUN_METRICS, PLAN.trained),
        listings=per_dataset(paths.MANIFEST, paths.COUNTS, paths.SPLITS),
        metrics=lambda _: in_repository(configured(paths.METRICS)),  # fails before anything is trained
    log:
        configured_log("snapshot"),
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=60),
    params:
        runs=lambda _: PLAN.publishable(),
        listings=lambda _: PLAN.listings(),
        folder=str(CONFIGURATION.checkpoints.folder),
        data=["data"] if any(d.root.resolve().is_relative_to(Path("data").resolve()) for d in DATASETS.values()) else [],
    message:
        "Adding data and checkpoints to DVC. Next: git add artifacts, git commit, dvc push"
    script:
        "../workflow_scripts/snapshot.py"


rule publish:
    """Put the results into artifacts/<configuration>: small files for git, with hashes of configuration, code and data."""
    input:
        results=[
            configured(pattern, table=table, kind=kind)
            for kind in ("csv", "md")
            for pattern, table in ((paths.VERDICT, ""), *((paths.TABLE, name) for name in TABLES))
        ]
        + [configured(paths.METRICS)],
        figures=[configured(paths.FIGURE, figure=name, kind="png") for name in PUBLISHED_FIGURES.values()],
        accounts=per_run(paths.ACCOUNT),
        histories=per_run(paths.HISTORY),
        manifests=per_dataset(paths.MANIFEST),
    log:
        configured_log("publish"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        datasets=list(DATASETS),
        figures=list(PUBLISHED_FIGURES),
        configuration=configured(paths.CONFIGURATION),
        folder=f"artifacts/{NAME}",
    message:
        "Publishing the results in artifacts/{NAME}. Next: git add artifacts, git commit"
    script:
        "../workflow_scripts/publish.py"
