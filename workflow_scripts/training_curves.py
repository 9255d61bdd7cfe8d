"""Draw the training curves of one source domain's runs."""

from align.figures.style import style, write_figure
from align.figures.training_curves import curves, draw_training_curves, failures
from align.files import read_json
from align.results.collect import read_results
from align.workflow.jobs import job

with job(snakemake), style():
    accounts = [read_json(path) for path in snakemake.input.accounts]
    runs = [(account["settings"]["method"], int(account["settings"]["seed"])) for account in accounts]
    data = curves(dict(zip(runs, map(read_results, snakemake.input.histories))))
    figure = draw_training_curves(data, failures(accounts))
    write_figure(figure, data, **dict(snakemake.output.items()))
