"""Make the table of all runs from their accounts."""

import json
from pathlib import Path

from align.tables.runs import runs
from align.tables.writing import write_table
from align.workflow import job

with job(snakemake):
    accounts = [json.loads(Path(path).read_text()) for path in snakemake.input]
    write_table(runs(accounts), **dict(snakemake.output.items()))
