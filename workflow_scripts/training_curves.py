"""Draw the training curves of one source domain's runs."""

import json
from pathlib import Path

import pandas as pd

from align.figures.style import style, write_figure
from align.figures.training_curves import curves, draw_training_curves, failures
from align.workflow import job

with job(snakemake), style():
    accounts = [json.loads(Path(path).read_text()) for path in snakemake.input.accounts]
    runs = [(account["settings"]["method"], int(account["settings"]["seed"])) for account in accounts]
    data = curves(dict(zip(runs, map(pd.read_csv, snakemake.input.histories))))
    figure = draw_training_curves(data, failures(accounts))
    write_figure(figure, data, **dict(snakemake.output.items()))
