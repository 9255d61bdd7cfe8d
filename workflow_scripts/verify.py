"""Compare the number of images of each class and domain with the published numbers."""

from pathlib import Path

import pandas as pd

from align.files import whole_file, write_json
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.preparation.verification import count, read_acquisition, require_published
from align.workflow import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    counts = count(manifest, pd.read_csv(snakemake.input.published), params.published_as, params.domains, params.classes)
    require_published(counts, params.root, params.published_as, params.allow_partial)
    write_json(snakemake.output.acquisition, read_acquisition(Path(params.root)))
    with whole_file(snakemake.output.counts) as partial:
        counts.to_csv(partial, index=False, lineterminator="\n")
