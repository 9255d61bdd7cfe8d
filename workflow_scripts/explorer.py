"""Collect test images with the explanations of each model, for the explorer of the results page."""

from align.figures.case_studies import collect_cases, explain_cases, some_images
from align.files import write_json
from align.metrics.settings import EvaluationSettings
from align.page.explorer import choose_by_domain, explorer_data
from align.preparation.packed import PackedFolders
from align.registry import load
from align.results.collect import read_results
from align.results.models import compared_models
from align.workflow.jobs import torch_job

with torch_job(snakemake) as device:
    files, params = snakemake.input, snakemake.params
    attribution, evaluation = load(params.attribution), EvaluationSettings(**params.evaluation)
    folders = PackedFolders.of(files.images, files.ground_truth)
    domains, part = (params.domains, params.source_domains), evaluation.target_part
    models, classes, tested = compared_models(params.runs, files.checkpoints, files.splits, folders, *domains, part, device)
    chosen = choose_by_domain(tested, classes, list(map(read_results, files.evaluations)), **params.shown)
    cases = collect_cases({domain: some_images(packed, list(chosen[domain])) for domain, packed in tested.items()}, classes)
    reasons = [reason for domain in tested for reason in chosen[domain].values()]
    explanations = {method: explain_cases(model, attribution, cases, evaluation, device) for method, model in models.items()}
    page = (snakemake.wildcards[name] for name in ("dataset", "protocol", "domain"))
    write_json(snakemake.output[0], explorer_data(*page, cases, reasons, explanations, params.source_domains))
