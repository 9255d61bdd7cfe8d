"""Publish the results of a configuration."""

from pathlib import Path

from align.versioning.publication import publish_results
from align.workflow.jobs import job

with job(snakemake):
    inputs, params = snakemake.input, snakemake.params
    manifests = dict(zip(params.datasets, map(Path, inputs.manifests)))
    runs = [Path(account).parent for account in inputs.accounts]
    publish_results(Path(params.folder), Path(params.configuration), map(Path, inputs.results), runs, manifests)
