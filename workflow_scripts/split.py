"""Assign every image of a data set to a split."""

from pathlib import Path

from align.preparation.listing import MANIFEST_COLUMNS, read_listing, write_listing
from align.preparation.settings import SplitSettings
from align.preparation.splits import assign_splits
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    splits = assign_splits(manifest, SplitSettings(**params.splits), params.test_only, params.group, params.paired)
    write_listing(splits, Path(snakemake.output[0]))
