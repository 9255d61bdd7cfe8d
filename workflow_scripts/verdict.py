"""Give each claim of the paper its verdict."""

import pandas as pd

from align.configuration.runs import Run
from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import answers
from align.verdict.claims import read_claims
from align.verdict.evaluations import Evaluations
from align.workflow import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    images = {Run(**run): pd.read_csv(path) for run, path in zip(params.runs, files.images)}
    tables = pd.read_csv(files.metrics), pd.read_csv(files.published)
    found = answers(read_claims(files.claims), Evaluations(images), *tables, params.left_out)
    write_table(verdict(found), **dict(snakemake.output.items()))
