"""Publish every run that was trained here, and add data and checkpoints to DVC."""

from pathlib import Path

from align.files import whole_file, write_json
from align.results.collect import read_results
from align.versioning.checkpoints import publish_listings, publish_run
from align.versioning.repository import add
from align.versioning.summary import DISTRIBUTIONS, means, nested, plotted
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    folder = Path(params.folder)
    for dataset in sorted({*params.runs.values()}):
        publish_listings(Path("results/data", dataset), folder / dataset)
    for path, dataset in params.runs.items():
        data = Path("results/data", dataset)
        metrics = Path("results/evaluations", path, "metrics.csv")
        publish_run(Path("results/runs", path), metrics, data, params.preparations[path], folder / path)
    add([*map(Path, params.data), folder])
    summary = means(read_results(snakemake.input.metrics))
    write_json("artifacts/metrics.json", nested(summary))
    for distribution in DISTRIBUTIONS.values():
        with whole_file(f"artifacts/plots/{distribution}.csv") as partial:
            plotted(summary, distribution).to_csv(partial, index=False, lineterminator="\n")
