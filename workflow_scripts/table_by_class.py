"""Make the table of classes, from the results of single images."""

from align.results.collect import read_results
from align.tables.by_class import by_class
from align.tables.writing import write_table
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    images = map(read_results, snakemake.input)
    write_table(by_class(zip(params.runs, params.source_domains, images)), **dict(snakemake.output.items()))
