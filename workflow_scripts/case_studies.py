"""Draw test images of every target domain, with the explanations of each model on one page."""

from pathlib import Path

from align.figures.case_studies import case_studies, collect_cases, explain_cases, sample_evenly
from align.figures.style import style, write_figure
from align.metrics.evaluation import tested_images
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import PackedFolders
from align.registry import load
from align.training.run import RunSettings, restore
from align.workflow.jobs import torch_job

with torch_job(snakemake) as device, style():
    files, params = snakemake.input, snakemake.params
    models = {}
    for (method, settings), checkpoint in zip(params.runs.items(), files.checkpoints):
        models[method], classes = restore(RunSettings.from_values(settings), Path(checkpoint), device)
    folders = PackedFolders.of(files.images, files.ground_truth)
    attribution, evaluation = load(params.attribution), EvaluationSettings(**params.evaluation)
    domains, part = (params.domains, params.source_domains), evaluation.target_part
    tested = dict(tested_images(Path(files.splits), folders, *domains, classes, part))
    cases = collect_cases({domain: sample_evenly(tested[domain], params.images) for domain in params.domains}, classes)
    explanations = {method: explain_cases(model, attribution, cases, evaluation, device) for method, model in models.items()}
    write_figure(case_studies(cases, explanations, params.source_domains), **dict(snakemake.output.items()))
