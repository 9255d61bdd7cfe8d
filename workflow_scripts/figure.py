"""Draw a figure from results and published numbers."""

from align.figures.style import style, write_figure
from align.registry import load
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    (implementation,) = snakemake.params.loads
    drawing = load(implementation)(*map(read_results, snakemake.input), **snakemake.params.settings)
    write_figure(drawing, **dict(snakemake.output.items()))
