"""List every image of a data set, with its checksum."""

import sys
from pathlib import Path

from align.datasets.folders import contents_hash
from align.datasets.image_folder import account, index
from align.datasets.settings import stated_dataset
from align.files import whole_file
from align.preparation.listing import write_listing
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    root = Path(params.root)
    # If a folder of ground truth would be a domain, the param `domains` changes. So this setting need not be a param.
    dataset = stated_dataset(snakemake.config, snakemake.wildcards.dataset)
    listed = index(root, params.domains, params.classes, [truth.folder for truth in dataset.ground_truth])
    write_listing(listed.manifest, Path(snakemake.output.manifest))
    write_listing(listed.perceptual_hashes, Path(snakemake.output.perceptual_hashes))
    write_listing(listed.passed_over, Path(snakemake.output.passed_over))
    if said := account(listed.passed_over):
        print(f"{root}: {said}; {snakemake.output.passed_over} lists all", file=sys.stderr)
    with whole_file(snakemake.output.listed) as partial:
        partial.write_text(contents_hash(root))
