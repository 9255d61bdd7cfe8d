"""Resize the images and the ground truth of one domain into arrays."""

from pathlib import Path

from align.datasets.settings import GroundTruth
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.preparation.packing import pack_domain
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    pack_domain(
        Path(params.root),
        manifest[manifest["domain"] == snakemake.wildcards.domain],
        params.image_size,
        params.resize,
        [GroundTruth(**truth) for truth in params.ground_truth],
        Path(snakemake.output.images),
        Path(snakemake.output.ground_truth),
    )
