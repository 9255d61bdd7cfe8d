"""Collect the ratings of masks by people."""

from pathlib import Path

from align.metrics.evaluate import write_csv
from align.rating.answers import read_ratings, require_checkpoints
from align.workflow.jobs import job

with job(snakemake):
    study = Path(snakemake.params.study)
    require_checkpoints(study, snakemake.input.checkpoints)
    write_csv(read_ratings(study), Path(snakemake.output[0]))
