"""Make the table of all runs, from their accounts."""

from align.files import read_json
from align.tables.runs import runs
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    write_table(runs([read_json(path) for path in snakemake.input]), **dict(snakemake.output.items()))
