"""Make the table of the settings that the paper does not give."""

from align.configuration.assumptions import Assumption
from align.tables.assumptions import assumptions
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    rows = [Assumption(**row) for row in snakemake.params.rows]
    write_table(assumptions(rows), **dict(snakemake.output.items()))
