"""Train one run."""

from pathlib import Path

from align.configuration.runs import Run, settings_of
from align.files import sha256
from align.preparation.listing import SPLITS_COLUMNS, read_listing
from align.preparation.packed import class_names, read_packed
from align.training.finished import FOLDER
from align.training.run import train_run, write_run
from align.training.settings import EngineSettings
from align.training.state import resumable
from align.training.teacher import taught
from align.workflow.jobs import restored_teacher, run_settings, torch_job
from align.workflow.provenance import git_revision, value_hash, versions

with torch_job(snakemake) as device:
    params, wildcards = snakemake.params, snakemake.wildcards
    settings = run_settings(wildcards.method, params)
    splits = read_listing(Path(snakemake.input.splits), SPLITS_COLUMNS)
    classes = class_names(splits, params.classes)
    given = settings.hyper_parameters.given_masks
    training, validation = (
        [
            read_packed(Path(snakemake.input.splits).parent, splits, domain, split, classes, given)
            for domain in params.source_domains
        ]
        for split in ("train", "validation")
    )
    teacher = restored_teacher(snakemake, device)
    if teacher:
        training, validation = ([taught(packed, teacher, device) for packed in split] for split in (training, validation))
    title = f"{wildcards.dataset} {' '.join(params.source_domains)} {wildcards.method} seed {wildcards.seed}"
    engine = EngineSettings(**snakemake.config.get("engine", {}))
    run = Run(**dict(wildcards.items()))
    values = settings_of(run, params)
    hashes = {
        "configuration": value_hash(values),
        "code": params.code,
        "data": {path: sha256(path) for path in snakemake.input},
    }
    fingerprint = hashes | {"torch": versions()["torch"], "device": device.type}
    outputs = [Path(path) for path in snakemake.output]
    with resumable(FOLDER / run.path, fingerprint, engine.save_every) as state:
        if not state.take_finished(outputs):
            trained, cost = train_run(
                settings,
                training,
                validation,
                classes,
                int(wildcards.seed),
                device,
                title,
                engine,
                state.content,
                state.after_step,
            )
            account = {
                "settings": values,
                "hashes": hashes,
                "versions": versions(),
                "git_revision": git_revision(),
                **cost,
                "wall_seconds": round(state.wall_seconds, 3),
                "interruptions": state.interruptions,
            }
            write_run(trained, settings.implementation, classes, account, outputs[0].parent)
            state.keep_finished(outputs)
