"""One run, from packed images to a checkpoint, and back from the checkpoint to the networks."""

import logging
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import numpy as np
import torch

from align.configuration.schema import Augmentation, Training
from align.configuration.schema import Classifier as ClassifierSettings
from align.errors import InputError
from align.files import whole_file, write_json
from align.methods import METHODS
from align.methods.base import Method
from align.models.classifier import build_classifier
from align.preparation.packed import Packed
from align.registry import load
from align.training.trainer import Images, Trained, train

LOG = logging.getLogger("align")


class RunSettings(NamedTuple):
    """Everything that a run's numbers depend on beside its data and its seed."""

    method: str
    hyper_parameters: Mapping[str, Any]
    classifier: Mapping[str, Any]
    training: Mapping[str, Any]
    augmentation: Mapping[str, Any]

    def build(self, classes: int, seed: int, device: torch.device) -> Method:
        """Return the method with freshly initialised networks on ``device``."""
        entry = METHODS[self.method]
        on_cpu = torch.Generator().manual_seed(seed)  # so that initial weights are those of any other device
        classifier = build_classifier(ClassifierSettings(**self.classifier), classes, on_cpu)
        classifier = classifier.to(device).to(memory_format=torch.channels_last)
        generator = torch.Generator(device).manual_seed(seed)
        implementation: type[Method] = load(entry.implementation)
        return implementation(classifier, entry.settings(**self.hyper_parameters), Training(**self.training), generator)


def choose_device(device: str) -> torch.device:
    """Return the device that the configuration's ``device`` means here.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: found no GPU that torch can use, expected one for 'cuda'; set device to auto or cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def on_device(packed: Sequence[Packed], device: torch.device) -> Images:
    """Return packed images of one or several domains, one after the other, on ``device``."""
    images = np.concatenate([domain.images for domain in packed])
    labels = np.concatenate([domain.labels for domain in packed])
    return Images(torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device))


def train_run(
    settings: RunSettings,
    training_split: Sequence[Packed],
    validation_split: Sequence[Packed],
    classes: Sequence[str],
    seed: int,
    device: torch.device,
    title: str,
) -> tuple[Trained, dict[str, Any]]:
    """Train one run.

    Returns:
        What was trained, and what it took: device, wall_seconds, images_per_second, peak_memory_bytes.
    """
    start = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    method = settings.build(len(classes), seed, device)
    trained = train(
        method,
        on_device(training_split, device),
        on_device(validation_split, device),
        Training(**settings.training),
        Augmentation(**settings.augmentation),
        torch.Generator(device).manual_seed(seed),
        title,
    )
    return trained, {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "wall_seconds": round(time.perf_counter() - start, 3),
        "images_per_second": round(trained.images_per_second, 1),
        "peak_memory_bytes": _peak_memory(device),
    }


def write_run(trained: Trained, classes: Sequence[str], account: Mapping[str, Any], folder: Path) -> None:
    """Write ``checkpoint.pt``, ``history.csv`` and ``run.json``, each whole or not at all.

    Args:
        trained: what :func:`train_run` returned.
        classes: names of the classes in the order of the labels.
        account: where the run came from and what it took, added to ``run.json``.
        folder: the run's folder.
    """
    with whole_file(folder / "history.csv") as partial:
        trained.history.frame().to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
    outcome = {
        "selected_epoch": trained.selected_epoch,
        "selected_phase": trained.selected_phase,
        "validation_accuracy": trained.validation_accuracy,
        "failures": [failure._asdict() for failure in trained.failures],
    }
    write_json(folder / "run.json", dict(account) | outcome)
    with whole_file(folder / "checkpoint.pt") as partial, partial.open("wb") as file:
        torch.save(trained.states | {"classes": list(classes)}, file)


def restore(settings: RunSettings, checkpoint: Path, device: torch.device) -> tuple[Method, list[str]]:
    """Return the method with the networks of a checkpoint, in evaluation mode, and the names of its classes.

    Raises:
        InputError: the file is not a checkpoint of such a run.
    """
    try:
        content = torch.load(checkpoint, map_location=device, weights_only=True)
        untrained = settings._replace(classifier={**settings.classifier, "weights": None})
        method = untrained.build(len(content["classes"]), 0, device)
        for name, network in method.networks.items():
            network.load_state_dict(content[name])
            network.eval()
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(f"{checkpoint}: found no checkpoint of {settings.method} ({reason}); remove it to train again") from None
    return method, content["classes"]


def _peak_memory(device: torch.device) -> int:
    """Return the most memory held so far: the GPU's by torch, or the process's resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
