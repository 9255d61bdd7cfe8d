"""Trains one run on packed images, writes its checkpoint, and restores the networks from it."""

import hashlib
import logging
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import torch

from align.augmentation.settings import AugmentationSettings
from align.errors import InputError, first_line
from align.files import whole_file, write_json
from align.imaging.view import View
from align.methods.base import Method
from align.methods.settings import MethodSettings
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.preparation.packed import Packed
from align.registry import load
from align.training.batches import TrainingBatches
from align.training.device import device_name, precision_on
from align.training.images import on_device_or_streamed
from align.training.settings import EngineSettings, TrainingSettings
from align.training.trainer import Interruption, Trained, Trainer

LOG = logging.getLogger("align")


class RunSettings(NamedTuple):
    """The settings of a run. Its numbers depend on them, on its data and on its seed, and on nothing else.

    The method is named by its implementation, ``module:class``, and not by its name in the registry. So a run does not depend on
    methods that it does not use.
    """

    implementation: str
    hyper_parameters: MethodSettings
    classifier: ClassifierSettings
    training: TrainingSettings
    augmentation: AugmentationSettings

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "RunSettings":
        """Return the settings in ``values``, whose keys are the names of the attributes. Other keys are ignored."""
        implementation = values["implementation"]
        hyper_parameters: type[MethodSettings] = get_type_hints(load(implementation))["settings"]
        return cls(
            implementation,
            hyper_parameters(**values["hyper_parameters"]),
            ClassifierSettings(**values["classifier"]),
            TrainingSettings(**values["training"]),
            AugmentationSettings(**values["augmentation"]),
        )

    def plain_values(self) -> dict[str, Any]:
        """Return the settings as plain values. :meth:`from_values` makes the same settings of them."""
        sections = {name: section.model_dump(mode="json") for name, section in self._asdict().items() if name != "implementation"}
        return {"implementation": self.implementation, **sections}

    def build(self, classes: int, seed: int, device: torch.device, compile_mode: str = "none") -> Method:
        """Return the method with freshly initialised networks on ``device``.

        Args:
            classes: number of classes.
            seed: seed of the initial weights and of the method's random numbers.
            device: the device of the networks.
            compile_mode: ``compile`` of :class:`align.training.settings.EngineSettings`.
        """
        on_cpu = seeded(seed, "weights", torch.device("cpu"))  # so that initial weights are the same on every device
        classifier = build_classifier(self.classifier, classes, on_cpu)
        classifier = classifier.to(device).to(memory_format=torch.channels_last)
        classifier.precision = precision_on(device, self.training.precision)
        if compile_mode != "none":
            # In torch 2.11, Module.compile would compile each block of the nn.Sequential by itself, and only the first eight.
            compiled = torch.compile(classifier.backbone.forward, mode=compile_mode, dynamic=False)
            classifier.backbone.forward = compiled  # type: ignore[method-assign]
        implementation: type[Method] = load(self.implementation)
        return implementation(classifier, self.hyper_parameters, self.training, seeded(seed, "method", device))


def seeded(seed: int, purpose: str, device: torch.device) -> torch.Generator:
    """Return a generator on ``device``. Each pair of a seed and a purpose has its own random numbers."""
    digest = hashlib.sha256(f"{purpose}/{seed}".encode()).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest[:7], "big"))


class RunData(NamedTuple):
    """The images of a run.

    Attributes:
        training: the images to train on, one item for each source domain.
        validation: the images on which the epoch is selected, one item for each source domain.
        classes: names of the classes in the order of the labels.
    """

    training: Sequence[Packed]
    validation: Sequence[Packed]
    classes: Sequence[str]


def train_run(
    settings: RunSettings,
    data: RunData,
    seed: int,
    device: torch.device,
    engine: EngineSettings | None = None,
    title: str = "training",
    interruption: Interruption | None = None,
) -> tuple[Trained, dict[str, Any]]:
    """Train one run.

    Args:
        settings: the method and its settings.
        data: the images.
        seed: seed of all random numbers.
        device: where to compute.
        engine: how to compute.
        title: names the run in the log.
        interruption: see :class:`align.training.trainer.Interruption`.

    Returns:
        What the run leaves behind, and its costs: device (the name of the GPU or of the processor), precision, compile,
        wall_seconds, images_per_second and peak_memory_bytes. A run whose classifier does not begin with random weights also
        says what its initial_weights are.
    """
    engine = engine or EngineSettings()
    start = time.perf_counter()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    method = settings.build(len(data.classes), seed, device, engine.compile)
    images, validation = (on_device_or_streamed(part, device, engine.memory_share) for part in (data.training, data.validation))
    generator = seeded(seed, "batches", device)
    batches = TrainingBatches(images, settings.training.batch_size, settings.augmentation, generator)
    trained = Trainer(method, batches, validation, settings.training, title, interruption).train()
    initial_weights = method.classifier.initial_weights
    return trained, {
        **({"initial_weights": initial_weights} if initial_weights else {}),
        "device": device_name(device),
        "precision": str(method.classifier.precision).removeprefix("torch."),
        "compile": engine.compile,
        "wall_seconds": round(time.perf_counter() - start, 3),
        "images_per_second": round(trained.images_per_second, 1),
        "peak_memory_bytes": _peak_memory(device),
    }


def write_run(
    trained: Trained, settings: RunSettings, classes: Sequence[str], view: View, account: Mapping[str, Any], folder: Path
) -> None:
    """Write ``checkpoint.pt``, ``history.csv`` and ``run.json``, each whole or not at all.

    The checkpoint alone is enough to use the networks: it also holds the settings, the classes and the view of an image.

    Args:
        trained: what :func:`train_run` returned.
        settings: the settings of the run.
        classes: names of the classes in the order of the labels.
        view: how a photograph becomes an image of the run.
        account: provenance and costs of the run, for ``run.json``.
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
    images = view.record()
    write_json(folder / "run.json", dict(account) | {"images": images} | outcome)
    described = {"implementation": settings.implementation, "settings": settings.plain_values(), "classes": list(classes)}
    with whole_file(folder / "checkpoint.pt") as partial, partial.open("wb") as file:
        torch.save(trained.states | described | {"images": images}, file)


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
            training=settings.training.model_copy(update={"precision": "float32"}),  # so that values do not depend on the device
        )
        method = untrained.build(len(content["classes"]), 0, device)
        for name, network in method.networks.items():
            network.load_state_dict(content[name])
            network.eval()
    except Exception as error:  # for a broken file, torch raises almost anything: struct.error, IndexError, AssertionError
        raise InputError(
            f"{checkpoint}: found no checkpoint of {settings.implementation} ({first_line(error)}); remove it to train again"
        ) from None
    return method, content["classes"]


def _peak_memory(device: torch.device) -> int:
    """Return the peak of memory so far, in bytes: what torch has held on the GPU, or the resident set of the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
