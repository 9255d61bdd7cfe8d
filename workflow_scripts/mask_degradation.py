"""Draw accuracy against how far masks are degraded."""

from align.figures.mask_degradation import draw_mask_degradation, mask_degradation
from align.figures.style import style, write_figure
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    data = mask_degradation(read_results(snakemake.input[0]), snakemake.params.variants)
    write_figure(draw_mask_degradation(data), data, **dict(snakemake.output.items()))
