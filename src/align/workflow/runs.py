"""Trains a run and records where it came from, and restores the finished run that makes its given masks."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from align import paths
from align.configuration.run import Run, recorded_settings
from align.files import sha256, value_hash
from align.imaging.view import View
from align.methods.base import Method
from align.preparation.packed import PackedFolders
from align.training.data import count_given_masks, read_run_data
from align.training.device import precision_on
from align.training.run import RunSettings, restore, train_run, write_run
from align.training.settings import EngineSettings, TrainingSettings
from align.training.state import resumable
from align.training.trainer import Interruption
from align.workflow.provenance import git_revision, versions

LOG = logging.getLogger("align")


class TrainingFiles(NamedTuple):
    """The files of a training job.

    Attributes:
        splits: the data set's ``splits.csv``.
        images: the packed images of its source domains.
        given_masks: the masks that the method is given: packed arrays, or the checkpoint of the run that makes them.
        inputs: every input file of the job.
        outputs: checkpoint, history and account.
    """

    splits: Path
    images: Sequence[str]
    given_masks: Sequence[str]
    inputs: Sequence[str]
    outputs: Sequence[Path]


def train_job(
    run: Run, values: Mapping[str, Any], code: str, files: TrainingFiles, device: torch.device, engine: EngineSettings
) -> None:
    """Train a run and write its files. An interrupted run goes on from where it was.

    Args:
        run: the run.
        values: its settings, from :meth:`align.workflow.run_plan.RunPlan.run_settings`.
        code: the hash of the code that the job depends on.
        files: the files that the job reads and writes.
        device: where to compute.
        engine: how to compute.
    """
    recorded = recorded_settings(run, values)
    hashes = {
        "configuration": value_hash(recorded),
        "code": code,
        "data": {path: sha256(path) for path in files.inputs},
    }
    settings = RunSettings.from_values(values)
    teacher = restore_teacher(values, files.given_masks, device)
    origin = settings.hyper_parameters.given_masks
    folders = PackedFolders.of(files.images, given=files.given_masks, origin=origin)
    data = read_run_data(files.splits, folders, values["source_domains"], values["classes"], origin, teacher, device)
    counted = count_given_masks(data.training, origin)
    if counted["training_images_with_masks"] is not None:
        LOG.info("%(training_images_with_masks)d of %(training_images)d training images have a given mask", counted)
    fingerprint = hashes | computed_by(settings.training, device)
    title = f"{run.dataset} {' '.join(values['source_domains'])} {run.method} seed {run.seed}"
    folder = files.outputs[0].parent
    with resumable(paths.STATE / folder.relative_to(paths.RUNS), fingerprint, engine.save_every) as state:
        if state.take_finished(files.outputs):
            return
        interruption = Interruption(state.content, state.after_step)
        trained, costs = train_run(settings, data, int(run.seed), device, engine, title, interruption)
        account = {
            "settings": recorded,
            "hashes": hashes,
            "versions": versions(),
            "git_revision": git_revision(),
            **counted,
            **costs,
            "wall_seconds": round(state.wall_seconds, 3),
            "interruptions": state.interruptions,
        }
        write_run(trained, settings, data.classes, View(**values["view"]), account, folder)
        state.keep_finished(files.outputs)


def computed_by(training: TrainingSettings, device: torch.device) -> dict[str, str]:
    """Return what a run is computed by: a process with another torch, device or precision cannot go on with it.

    Args:
        training: the settings of training. The ``precision`` auto depends on the GPU or the processor.
        device: where to compute.
    """
    precision = str(precision_on(device, training.precision)).removeprefix("torch.")
    return {"torch": versions()["torch"], "device": device.type, "precision": precision}


def restore_teacher(values: Mapping[str, Any], given_masks: Sequence[str], device: torch.device) -> Method | None:
    """Return the finished run that makes the given masks of a run. None if it is given no such masks.

    Args:
        values: the settings of the run that is given masks.
        given_masks: the checkpoint of the finished run, if there is one.
        device: where to compute.
    """
    if values["teacher"] is None:
        return None
    return restore(RunSettings.from_values({**values, **values["teacher"]}), Path(given_masks[0]), device)[0]
