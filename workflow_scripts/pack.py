"""Resize the images of one domain into an array."""

from pathlib import Path

from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.preparation.packing import pack_domain
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    rows = manifest[manifest["domain"] == snakemake.wildcards.domain]
    pack_domain(Path(params.root), rows, params.image_size, params.resize, Path(snakemake.output.images))
