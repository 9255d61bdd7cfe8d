# Data and finished checkpoints under DVC. One job: what it writes decides at the next parse which runs are trained.
from align.versioning.agreement import preparation_of


rule snapshot:
    """Publish every run that was trained here, then add data and checkpoints to DVC; `git commit` and `dvc push` follow."""
    input:
        runs=[f"results/runs/{run.path}/{name}" for run in TRAINED for name in ("checkpoint.pt", "history.csv", "run.json")],
        evaluations=[f"results/evaluations/{run.path}/metrics.csv" for run in TRAINED],
        listings=expand("results/data/{dataset}/{listing}.csv", dataset=DATASETS, listing=["manifest", "counts", "splits"]),
        metrics=lambda _: in_repository("results/metrics.csv"),  # says before anything is trained where it cannot be
    log:
        "results/logs/snapshot.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(60),
    params:
        runs={run.path: run.dataset for run in TRAINED},
        preparations=lambda _: {run.path: preparation_of(CONFIGURATION, run, HYPER_PARAMETERS[run.method]) for run in TRAINED},
        folder=str(CONFIGURATION.checkpoints.folder),
        data=["data"] if any(Path(root).resolve().is_relative_to(Path("data").resolve()) for root in ROOTS.values()) else [],
    message:
        "Adding data and checkpoints to DVC; then: git add artifacts, git commit, dvc push"
    script:
        "../workflow_scripts/snapshot.py"
