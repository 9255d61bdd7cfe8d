"""Draw the average ranks of the methods with their critical difference."""

import pandas as pd

from align.figures.critical_difference import draw_critical_difference
from align.figures.style import style, write_figure
from align.verdict.ranks import average_ranks
from align.workflow import job

with job(snakemake), style():
    data = average_ranks(pd.read_csv(snakemake.input[0]))
    write_figure(draw_critical_difference(data), data, **dict(snakemake.output.items()))
