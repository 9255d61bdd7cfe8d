"""Draw which rule needs which other rules."""

from align.figures.rule_graph import rule_graph
from align.figures.style import style, write_figure
from align.workflow.jobs import job, run_snakemake

with job(snakemake), style():
    write_figure(rule_graph(run_snakemake(snakemake, "--rulegraph", "dot")), **dict(snakemake.output.items()))
