"""Draw the average ranks of the methods with their critical difference."""

from align.figures.critical_difference import draw_critical_difference
from align.figures.style import style, write_figure
from align.results.collect import read_results
from align.statistics.ranks import average_ranks
from align.workflow.jobs import job

with job(snakemake), style():
    data = average_ranks(read_results(snakemake.input[0]))
    write_figure(draw_critical_difference(data), data, **dict(snakemake.output.items()))
