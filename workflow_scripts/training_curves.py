"""Draw the training curves of the runs on one page."""

from align.figures.style import style, write_figure
from align.figures.training_curves import training_curves
from align.files import read_json
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    accounts = [read_json(path) for path in snakemake.input.accounts]
    runs = [(account["settings"]["method"], int(account["settings"]["seed"])) for account in accounts]
    drawing = training_curves(dict(zip(runs, map(read_results, snakemake.input.histories))), accounts)
    write_figure(drawing, **dict(snakemake.output.items()))
