"""Collect test images with the explanations of each model, for the explorer of the results page."""

from pathlib import Path

from align.figures.case_studies import collect_cases, explain_cases, some_images
from align.files import write_json
from align.metrics.evaluation import tested_images
from align.metrics.settings import EvaluationSettings
from align.page.explorer import choose_by_domain, explorer_data
from align.preparation.packed import PackedFolders
from align.registry import load
from align.results.collect import read_results
from align.training.run import RunSettings, restore
from align.workflow.jobs import torch_job

with torch_job(snakemake) as device:
    files, params = snakemake.input, snakemake.params
    models = {}
    for (method, settings), checkpoint in zip(params.runs.items(), files.checkpoints):
        models[method], classes = restore(RunSettings.from_values(settings), Path(checkpoint), device)
    folders = PackedFolders.of(files.images, files.ground_truth)
    attribution, evaluation = load(params.attribution), EvaluationSettings(**params.evaluation)
    domains, part = (params.domains, params.source_domains), evaluation.target_part
    tested = dict(tested_images(Path(files.splits), folders, *domains, classes, part))
    chosen = choose_by_domain(tested, classes, list(map(read_results, files.evaluations)), **params.shown)
    cases = collect_cases({domain: some_images(tested[domain], list(chosen[domain])) for domain in params.domains}, classes)
    reasons = [reason for domain in params.domains for reason in chosen[domain].values()]
    explanations = {method: explain_cases(model, attribution, cases, evaluation, device) for method, model in models.items()}
    page = (snakemake.wildcards[name] for name in ("dataset", "protocol", "domain"))
    write_json(snakemake.output[0], explorer_data(*page, cases, reasons, explanations, params.source_domains))
