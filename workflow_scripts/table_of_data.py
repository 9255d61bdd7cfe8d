"""Make the table of all data sets from their listings."""

import json
from pathlib import Path

import pandas as pd

from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.tables.data import Listed, data
from align.tables.writing import write_table
from align.workflow import job

with job(snakemake):
    listed = {}
    for (name, root), splits, counts in zip(snakemake.params.roots.items(), snakemake.input.splits, snakemake.input.counts):
        acquisition = Path(root) / "acquisition.json"
        counted = json.loads(acquisition.read_text()) if acquisition.exists() else {}
        listed[name] = Listed(read_listing(Path(splits), SPLITS_COLUMNS), pd.read_csv(counts), counted)
    write_table(data(listed), **dict(snakemake.output.items()))
