"""Draw the speed of training on every device where it was measured."""

import pandas as pd

from align.figures.performance import performance
from align.figures.style import style, write_figure
from align.workflow.jobs import job

with job(snakemake), style():
    write_figure(performance([pd.read_csv(path) for path in snakemake.input]), **dict(snakemake.output.items()))
