"""Train one run."""

from pathlib import Path

from align.configuration.run import Run
from align.workflow.jobs import engine_settings, torch_job
from align.workflow.runs import TrainingFiles, train_job

with torch_job(snakemake) as device:
    inputs, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    outputs = [Path(path) for path in snakemake.output]
    files = TrainingFiles(Path(inputs.splits), inputs.images, inputs.given_masks, list(inputs), outputs)
    run = Run(*(names[field] for field in Run._fields))
    train_job(run, params.settings, params.code, files, device, engine_settings(snakemake))
