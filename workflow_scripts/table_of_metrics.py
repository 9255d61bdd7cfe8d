"""Make a table from the metrics of all runs."""

import pandas as pd

from align.registry import load
from align.tables.writing import write_table
from align.workflow import job

with job(snakemake):
    tabulate = load(snakemake.params.table)
    write_table(tabulate(*map(pd.read_csv, snakemake.input)), **dict(snakemake.output.items()))
