"""Put the metrics of all runs into one long table."""

import pandas as pd

from align.files import whole_file
from align.results.collect import read_results, run_rows
from align.workflow.jobs import job

with job(snakemake):
    params = snakemake.params
    tables = [run_rows(read_results(path), *run) for path, *run in zip(snakemake.input, params.runs, params.source_domains)]
    with whole_file(snakemake.output[0]) as partial:
        pd.concat(tables).to_csv(partial, index=False, lineterminator="\n")
