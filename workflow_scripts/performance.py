"""Draw how fast training was on the devices where it was measured."""

import pandas as pd

from align.figures.performance import draw_performance, performance
from align.figures.style import style, write_figure
from align.workflow.jobs import job

with job(snakemake), style():
    data = performance([pd.read_csv(path) for path in snakemake.input])
    write_figure(draw_performance(data), data, **dict(snakemake.output.items()))
