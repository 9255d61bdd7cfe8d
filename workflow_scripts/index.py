"""List every image of a data set, with its checksum."""

from pathlib import Path

from align.datasets.folders import contents_hash
from align.datasets.image_folder import index
from align.files import whole_file
from align.preparation.listing import write_listing
from align.workflow.jobs import job

with job(snakemake):
    root = Path(snakemake.input[0])
    params = snakemake.params
    listed = index(root, params.domains, params.classes, [Path(folder) for folder in params.annotations])
    write_listing(listed.manifest, Path(snakemake.output.manifest))
    write_listing(listed.passed_over, Path(snakemake.output.passed_over))
    with whole_file(snakemake.output.listed) as partial:
        partial.write_text(contents_hash(root))
