"""Draw accuracy against hyper-parameters."""

from align.figures.sensitivity import draw_sensitivity, sensitivity
from align.figures.style import style, write_figure
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    params = snakemake.params
    data = sensitivity(read_results(snakemake.input[0]), params.variants, params.defaults)
    write_figure(draw_sensitivity(data), data, **dict(snakemake.output.items()))
