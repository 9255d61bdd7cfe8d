"""Compare the number of images of each class and domain with the published numbers."""

from pathlib import Path

import pandas as pd

from align.files import whole_file
from align.preparation.listing import MANIFEST_COLUMNS, read_listing
from align.preparation.verification import count, require_published
from align.workflow import job

with job(snakemake):
    params = snakemake.params
    manifest = read_listing(Path(snakemake.input.manifest), MANIFEST_COLUMNS)
    counts = count(manifest, pd.read_csv(snakemake.input.published), params.published_as, params.classes)
    require_published(counts, params.root, params.published_as, params.allow_partial)
    with whole_file(snakemake.output[0]) as partial:
        counts.to_csv(partial, index=False, lineterminator="\n")
