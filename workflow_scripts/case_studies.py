"""Draw test images of every target domain, with the explanations of each model on one page."""

from align.figures.case_studies import case_studies, collect_cases, explain_cases, sample_evenly
from align.figures.style import style, write_figure
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import PackedFolders
from align.registry import load
from align.results.models import compared_models
from align.workflow.jobs import torch_job

with torch_job(snakemake) as device, style():
    files, params = snakemake.input, snakemake.params
    attribution, evaluation = load(params.attribution), EvaluationSettings(**params.evaluation)
    folders = PackedFolders.of(files.images, files.ground_truth)
    domains, part = (params.domains, params.source_domains), evaluation.target_part
    models, classes, tested = compared_models(params.runs, files.checkpoints, files.splits, folders, *domains, part, device)
    cases = collect_cases({domain: sample_evenly(packed, params.images) for domain, packed in tested.items()}, classes)
    explanations = {method: explain_cases(model, attribution, cases, evaluation, device) for method, model in models.items()}
    write_figure(case_studies(cases, explanations, params.source_domains), **dict(snakemake.output.items()))
