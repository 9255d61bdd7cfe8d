"""Draw accuracy against the quality of explanations."""

from align.figures.accuracy_vs_explanation import accuracy_and_explanation, draw_accuracy_vs_explanation
from align.figures.style import style, write_figure
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    data = accuracy_and_explanation(read_results(snakemake.input[0]))
    write_figure(draw_accuracy_vs_explanation(data), data, **dict(snakemake.output.items()))
