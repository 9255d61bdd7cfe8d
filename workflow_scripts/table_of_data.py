"""Make the table of all data sets from their listings."""

import json
from pathlib import Path

import pandas as pd

from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.tables.data import Listed, data
from align.tables.writing import write_table
from align.workflow import job

with job(snakemake):
    files = snakemake.input
    listed = {
        name: Listed(read_listing(Path(splits), SPLITS_COLUMNS), pd.read_csv(counts), json.loads(Path(acquisition).read_text()))
        for name, splits, counts, acquisition in zip(snakemake.params.datasets, files.splits, files.counts, files.acquisitions)
    }
    write_table(data(listed), **dict(snakemake.output.items()))
