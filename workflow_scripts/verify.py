"""Compare the number of images in each class and domain with the published numbers."""

from pathlib import Path

from align.datasets.folders import read_acquisition
from align.files import whole_file, write_json
from align.preparation.duplicates import duplicates, require_one_label
from align.preparation.listing import HASH_COLUMNS, MANIFEST_COLUMNS, read_listing, write_listing
from align.preparation.verification import count, require_whole
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    counts = count(manifest, params.published, params.domains, params.classes)
    if not params.published_archive:  # nobody can mend what is published: the table of data counts it
        require_one_label(manifest, params.root)
    hashes = read_listing(Path(snakemake.input.perceptual_hashes), HASH_COLUMNS)
    write_listing(duplicates(manifest.merge(hashes, on="path")), Path(snakemake.output.duplicates))
    acquisition = read_acquisition(Path(params.root))
    require_whole(counts, acquisition, params.root, params.published_as, params.allow_partial)
    write_json(snakemake.output.acquisition, acquisition)
    with whole_file(snakemake.output.counts) as partial:
        counts.to_csv(partial, index=False, lineterminator="\n")
