"""Train one run."""

from pathlib import Path

from align.configuration.runs import Run
from align.workflow.jobs import engine_settings, torch_job
from align.workflow.runs import TrainingFiles, train_job

with torch_job(snakemake) as device:
    inputs, params = snakemake.input, snakemake.params
    teacher = Path(inputs.given_masks[0]) if params.settings["teacher"] else None
    outputs = [Path(path) for path in snakemake.output]
    files = TrainingFiles(Path(inputs.splits).parent, teacher, list(inputs), outputs)
    run = Run(**dict(snakemake.wildcards.items()))
    train_job(run, params.settings, params.code, files, device, engine_settings(snakemake))
