"""Give a verdict on each claim of the paper."""

from align.configuration.run import Run
from align.rating.summary import rated_runs
from align.results.collect import read_results
from align.tables.verdict import verdict
from align.tables.writing import write_table
from align.verdict.answers import answers
from align.verdict.claims import read_claims
from align.verdict.evaluations import Evaluations
from align.verdict.parts import read_part
from align.workflow.jobs import job

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    images = ((Run(**run), read_results(path)) for run, path in zip(params.runs, files.images))
    tables = read_results(files.metrics), read_results(files.published)
    ratings = (run for path in files.ratings for run in rated_runs(read_results(path)))
    parts = {name: read_part(counts, whole) for (name, whole), counts in zip(params.parts.items(), files.counts)}
    found = answers(read_claims(files.claims), Evaluations(images), Evaluations(ratings), *tables, params.left_out, parts)
    write_table(verdict(found), **dict(snakemake.output.items()))
