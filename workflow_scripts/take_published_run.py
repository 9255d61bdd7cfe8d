"""Take a published checkpoint instead of training the run."""

from pathlib import Path

from align.versioning.checkpoints import take_run
from align.workflow.jobs import job

with job(snakemake):
    files = snakemake.input
    published, published_data = Path(files.checkpoint).parent, Path(files.published_splits).parent
    listings = {"manifest.csv": Path(files.manifest), "splits.csv": Path(files.splits)}
    take_run(published, published_data, listings, Path(snakemake.output.checkpoint).parent, snakemake.params.training_code)
