"""List every image of a data set with its checksum."""

from pathlib import Path

from align.datasets.image_folder import index
from align.preparation.listing import write_listing
from align.workflow import job

with job(snakemake):
    manifest = index(Path(snakemake.input[0]), snakemake.params.domains, snakemake.params.classes)
    write_listing(manifest, Path(snakemake.output[0]))
