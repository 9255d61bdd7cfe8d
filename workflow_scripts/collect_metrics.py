"""Put the metrics of all runs into one long table."""

import pandas as pd

from align.files import whole_file
from align.workflow import job

COLUMNS = ["dataset", "protocol", "method", "source_domain", "target_domain", "seed", "metric", "value", "n"]

with job(snakemake):
    tables = [
        pd.read_csv(path).assign(**run).rename(columns={"domain": "source_domain"})
        for path, run in zip(snakemake.input, snakemake.params.runs)
    ]
    with whole_file(snakemake.output[0]) as partial:
        pd.concat(tables)[COLUMNS].to_csv(partial, index=False, lineterminator="\n")
