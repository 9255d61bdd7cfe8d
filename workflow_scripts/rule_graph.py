"""Draw which rule needs which."""

from align.figures.rule_graph import draw_rule_graph, rule_graph
from align.figures.style import style, write_figure
from align.workflow.jobs import job, run_snakemake

with job(snakemake), style():
    data = rule_graph(run_snakemake(snakemake, "--rulegraph", "dot"))
    write_figure(draw_rule_graph(data), data, **dict(snakemake.output.items()))
