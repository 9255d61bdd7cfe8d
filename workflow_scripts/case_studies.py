"""Draw test images of every target domain with the explanations of the models of one page."""

from pathlib import Path

from align.attribution import ATTRIBUTIONS
from align.figures.case_studies import cases, draw_case_studies, evenly_drawn, explanations, predictions
from align.figures.style import style, write_figure
from align.files import read_json
from align.metrics.settings import EvaluationSettings
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import read_packed
from align.preparation.splits import evaluated_split
from align.registry import load
from align.training.run import restore
from align.workflow.jobs import run_settings, torch_job

with torch_job(snakemake) as device, style():
    params = snakemake.params
    evaluation = EvaluationSettings(**params.evaluation)
    models = {}
    for account, checkpoint in zip(snakemake.input.accounts, snakemake.input.checkpoints):
        used = read_json(account)["settings"]
        models[used["method"]], classes = restore(run_settings(used["method"], used), Path(checkpoint), device)
    splits = read_listing(Path(snakemake.input.splits), SPLITS_COLUMNS)
    folder = Path(snakemake.input.splits).parent
    tested = {
        domain: read_packed(folder, splits, domain, evaluated_split(splits, domain, params.source_domains), classes)
        for domain in params.domains
    }
    shown = cases({domain: evenly_drawn(packed, params.images) for domain, packed in tested.items()}, classes)
    attribution = load(ATTRIBUTIONS[evaluation.attribution])
    explained = {method: explanations(model, attribution, shown, evaluation, device) for method, model in models.items()}
    figure = draw_case_studies(shown, explained, params.source_domains)
    write_figure(figure, predictions(shown, explained), **dict(snakemake.output.items()))
