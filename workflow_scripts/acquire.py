"""Make the folder of a data set, or unpack it from downloaded archives."""

from pathlib import Path

from align.datasets.making import make_dataset
from align.workflow.jobs import job

with job(snakemake):
    (implementation,) = snakemake.params.loads
    archives = {key: (Path(snakemake.input[key]), *contents) for key, contents in snakemake.params.archives.items()}
    listings = {key: Path(snakemake.input[key]) for key in snakemake.params.listings}
    make_dataset(Path(snakemake.output[0]), implementation, snakemake.params.settings, archives, listings)
