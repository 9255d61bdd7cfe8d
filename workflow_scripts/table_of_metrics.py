"""Make a table from the metrics of all runs."""

from align.registry import load
from align.results.collect import read_results
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    tabulate = load(params.table)
    write_table(tabulate(*map(read_results, snakemake.input), **params.get("said", {})), **dict(snakemake.output.items()))
