"""Make or bring a data set's folder."""

from pathlib import Path

from align.datasets.making import make_dataset
from align.workflow.jobs import job

with job(snakemake):
    (implementation,) = snakemake.params.loads
    archives = {key: (Path(snakemake.input[key]), *contents) for key, contents in snakemake.params.archives.items()}
    make_dataset(Path(snakemake.output[0]), implementation, snakemake.params.settings, archives)
