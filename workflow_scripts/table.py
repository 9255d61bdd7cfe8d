"""Make a table from results and published numbers."""

from align.registry import load
from align.results.collect import read_results
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    (implementation,) = snakemake.params.loads
    table = load(implementation)(*map(read_results, snakemake.input), **snakemake.params.settings)
    write_table(table, **dict(snakemake.output.items()))
