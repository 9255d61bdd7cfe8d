"""Measure one run on the test split of every domain."""

from pathlib import Path

import pandas as pd

from align.attribution import ATTRIBUTIONS
from align.configuration.schema import Evaluation
from align.files import whole_file
from align.metrics import METRICS
from align.metrics.evaluate import evaluate
from align.metrics.explain import explain
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import read_packed
from align.preparation.splits import evaluated_split
from align.registry import load
from align.training.run import choose_device, restore
from align.workflow import run_settings, torch_job

with torch_job(snakemake):
    params, wildcards = snakemake.params, snakemake.wildcards
    settings = run_settings(wildcards.method, params)
    device = choose_device(snakemake.config.get("device", "auto"))
    method, classes = restore(settings, Path(snakemake.input.checkpoint), device)
    evaluation = Evaluation(**params.evaluation)
    metrics = [load(METRICS[name].implementation) for name in evaluation.metrics]
    attribution = load(ATTRIBUTIONS[evaluation.attribution])
    splits = read_listing(Path(snakemake.input.splits), SPLITS_COLUMNS)
    rows = []
    for domain in params.domains:
        tested = evaluated_split(splits, domain, wildcards.domain)
        packed = read_packed(Path(snakemake.input.splits).parent, splits, domain, tested, classes)
        explained = explain(method, attribution, packed, evaluation, device)
        rows += [{"target_domain": domain, **measured} for measured in evaluate(explained, metrics)]
    with whole_file(snakemake.output[0]) as partial:
        pd.DataFrame(rows).to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
