"""Draw the time and the memory of training and evaluation."""

from pathlib import Path

import pandas as pd

from align.figures.costs import costs
from align.figures.style import style, write_figure
from align.workflow.jobs import job

with job(snakemake), style():
    rows = [
        pd.read_csv(path, sep="\t").assign(step=step, dataset=run["dataset"], method=run["method"])
        for step, paths in snakemake.params.benchmarks.items()
        for path, run in zip(paths, snakemake.params.runs)
        if Path(path).is_file()
    ]
    write_figure(costs(rows), **dict(snakemake.output.items()))
