"""Publish the results of a configuration."""

from pathlib import Path

from align.versioning.publication import publish_results
from align.workflow.jobs import job

with job(snakemake):
    inputs, params = snakemake.input, snakemake.params
    manifests = dict(zip(params.datasets, map(Path, inputs.manifests)))
    runs = [Path(account).parent for account in inputs.accounts]
    figures = dict(zip(params.figures, map(Path, inputs.figures)))
    publish_results(Path(params.folder), Path(params.configuration), map(Path, inputs.results), figures, runs, manifests)
