"""Measure one run on the test split of every domain."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from align.attribution import ATTRIBUTIONS
from align.metrics import METRICS
from align.metrics.domain_shift.pairing import pairs_of
from align.metrics.evaluate import averaged, measure, of_images, write_csv
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import read_packed
from align.preparation.splits import evaluated_split
from align.registry import load
from align.training.run import restore
from align.training.teacher import taught
from align.workflow.jobs import restored_teacher, run_settings, torch_job

with torch_job(snakemake) as device:
    params, wildcards = snakemake.params, snakemake.wildcards
    settings = run_settings(wildcards.method, params)
    method, classes = restore(settings, Path(snakemake.input.checkpoint), device)
    evaluation = EvaluationSettings(**params.evaluation)
    metrics = [load(METRICS[name].implementation) for name in evaluation.metrics]
    attribution = load(ATTRIBUTIONS[evaluation.attribution])
    splits = read_listing(Path(snakemake.input.splits), SPLITS_COLUMNS)
    given, teacher = settings.hyper_parameters.given_masks, restored_teacher(snakemake, device)
    rows, images, reference = [], [], None
    # The first source domain comes first: the same objects on other backgrounds are compared with it.
    for domain in sorted(params.domains, key=lambda domain: domain != params.source_domains[0]):
        tested = evaluated_split(splits, domain, params.source_domains)
        packed = read_packed(Path(snakemake.input.splits).parent, splits, domain, tested, classes, given)
        packed = taught(packed, teacher, device) if teacher else packed
        explained = explain(method, attribution, packed, evaluation, device)
        if reference:
            explained = replace(explained, pairs=pairs_of(explained, packed.paths, *reference))
        elif params.paired:
            reference = explained, packed.paths
        values = measure(explained, metrics)
        rows += [{"target_domain": domain, **measured} for measured in averaged(values)]
        images.append(of_images(packed, explained, values, classes).assign(target_domain=domain))
    write_csv(pd.DataFrame(rows), Path(snakemake.output.metrics))
    write_csv(pd.concat(images), Path(snakemake.output.images))
