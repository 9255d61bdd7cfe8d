"""Take a published checkpoint instead of training the run."""

from pathlib import Path

from align.versioning.checkpoints import take_run
from align.workflow.jobs import job

with job(snakemake):
    files = snakemake.input
    published, published_data = Path(files.checkpoint).parent, Path(files.published_splits).parent
    here = Path(files.splits).parent, Path(snakemake.output.checkpoint).parent
    take_run(published, published_data, *here, snakemake.params.training_code)
