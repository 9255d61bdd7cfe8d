"""Evaluate one run on the test images of every domain."""

from pathlib import Path

from align.metrics.evaluate import write_csv
from align.metrics.evaluation import Evaluation, evaluate_run, tested_images
from align.preparation.packed import PackedFolders
from align.training.data import add_teacher_masks
from align.training.run import RunSettings, restore
from align.workflow.jobs import torch_job
from align.workflow.runs import restore_teacher

with torch_job(snakemake) as device:
    files, values = snakemake.input, snakemake.params.settings
    settings, evaluation = RunSettings.from_values(values), Evaluation.from_values(snakemake.params.evaluation)
    method, classes = restore(settings, Path(files.checkpoint), device)
    teacher, origin = restore_teacher(values, files.given_masks, device), settings.hyper_parameters.given_masks
    folders = PackedFolders.of(files.images, files.ground_truth, files.given_masks, origin)
    part, sources = evaluation.settings.target_part, values["source_domains"]
    tested = tested_images(Path(files.splits), folders, evaluation.domains, sources, classes, part, origin)
    with_masks = ((domain, add_teacher_masks(packed, teacher, device)) for domain, packed in tested)
    metrics, images = evaluate_run(method, with_masks, classes, evaluation, device, files.checkpoint)
    write_csv(metrics, Path(snakemake.output.metrics))
    write_csv(images, Path(snakemake.output.images))
