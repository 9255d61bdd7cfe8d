"""One run, from packed images to a checkpoint, and back from the checkpoint to the networks."""

import hashlib
import logging
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from align.augmentation.settings import AugmentationSettings
from align.errors import InputError
from align.files import whole_file, write_json
from align.methods.base import Method
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.preparation.packed import Packed
from align.registry import load
from align.settings import Section
from align.training.device import precision_on
from align.training.images import placed
from align.training.settings import EngineSettings, TrainingSettings
from align.training.trainer import AfterStep, State, Trained, nothing_after, train

LOG = logging.getLogger("align")


class RunSettings(NamedTuple):
    """Everything that a run's numbers depend on beside its data and its seed.

    The method is named by its implementation (``align.methods.erm:ERM``): a look into the registry would make every run
    depend on every method.
    """

    implementation: str
    hyper_parameters: Section
    classifier: ClassifierSettings
    training: TrainingSettings
    augmentation: AugmentationSettings

    def build(self, classes: int, seed: int, device: torch.device, compile_mode: str = "none") -> Method:
        """Return the method with freshly initialised networks on ``device``.

        Args:
            classes: number of classes.
            seed: of the initial weights and of the method's random numbers.
            device: where to compute.
            compile_mode: the engine's ``compile``, see :class:`align.training.settings.EngineSettings`.
        """
        on_cpu = seeded(seed, "weights", torch.device("cpu"))  # so that initial weights are those of any other device
        classifier = build_classifier(self.classifier, classes, on_cpu)
        classifier = classifier.to(device).to(memory_format=torch.channels_last)
        classifier.precision = precision_on(device, self.training.precision)
        if compile_mode != "none":
            classifier.backbone.compile(mode=compile_mode, dynamic=False)
        implementation: type[Method] = load(self.implementation)
        return implementation(classifier, self.hyper_parameters, self.training, seeded(seed, "method", device))


def seeded(seed: int, purpose: str, device: torch.device) -> torch.Generator:
    """Return a generator on ``device`` whose numbers are another's for every seed and every purpose."""
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))


def train_run(
    settings: RunSettings,
    training_split: Sequence[Packed],
    validation_split: Sequence[Packed],
    classes: Sequence[str],
    seed: int,
    device: torch.device,
    title: str,
    engine: EngineSettings,
    state: State | None = None,
    after_step: AfterStep = nothing_after,
) -> tuple[Trained, dict[str, Any]]:
    """Train one run; for ``state`` and ``after_step`` see :func:`align.training.trainer.train`.

    Returns:
        What was trained, and what it took: device, precision, compile, wall_seconds, images_per_second, peak_memory_bytes.
    """
    start = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    method = settings.build(len(classes), seed, device, engine.compile)
    trained = train(
        method,
        placed(training_split, device, engine.memory_share),
        placed(validation_split, device, engine.memory_share),
        settings.training,
        settings.augmentation,
        seeded(seed, "batches", device),
        title,
        state,
        after_step,
    )
    return trained, {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "precision": str(method.classifier.precision).removeprefix("torch."),
        "compile": engine.compile,
        "wall_seconds": round(time.perf_counter() - start, 3),
        "images_per_second": round(trained.images_per_second, 1),
        "peak_memory_bytes": _peak_memory(device),
    }


def write_run(trained: Trained, implementation: str, classes: Sequence[str], account: Mapping[str, Any], folder: Path) -> None:
    """Write ``checkpoint.pt``, ``history.csv`` and ``run.json``, each whole or not at all.

    Args:
        trained: what :func:`train_run` returned.
        implementation: the method's, as in its :class:`RunSettings`.
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
        torch.save(trained.states | {"implementation": implementation, "classes": list(classes)}, file)


def restore(settings: RunSettings, checkpoint: Path, device: torch.device) -> tuple[Method, list[str]]:
    """Return the method with the networks of a checkpoint, in evaluation mode, and the names of its classes.

    Raises:
        InputError: the file is not a checkpoint of such a run.
    """
    try:
        content = torch.load(checkpoint, map_location=device, weights_only=True)
        if content["implementation"] != settings.implementation:
            raise ValueError(f"it holds {content['implementation']}")
        untrained = settings._replace(
            classifier=settings.classifier.model_copy(update={"weights": None}),
            training=settings.training.model_copy(update={"precision": "float32"}),  # metrics are the same on every device
        )
        method = untrained.build(len(content["classes"]), 0, device)
        for name, network in method.networks.items():
            network.load_state_dict(content[name])
            network.eval()
    except Exception as error:  # a broken file makes torch raise almost anything: struct.error, IndexError, AssertionError
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise InputError(
            f"{checkpoint}: found no checkpoint of {settings.implementation} ({reason}); remove it to train again"
        ) from None
    return method, content["classes"]


def _peak_memory(device: torch.device) -> int:
    """Return the most memory held so far: the GPU's by torch, or the process's resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
