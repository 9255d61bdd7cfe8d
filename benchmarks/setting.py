"""The setting of a benchmark: all benchmarks take their methods, networks and batches from here."""

import os
from typing import Any, NamedTuple

import torch

from align.augmentation.settings import AugmentationSettings
from align.methods import METHODS
from align.methods.align import ALIGN
from align.methods.base import Batch, Method
from align.models.settings import ClassifierSettings
from align.training.images import Images
from align.training.run import RunSettings
from align.training.settings import TrainingSettings

CLASSES, DOMAINS = 5, 3
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Setting(NamedTuple):
    """One configuration of a benchmark.

    Attributes:
        classifier: the network.
        size: side of the images, in pixels.
        batch_size: the number of images in a step.
        device: the device of the step.
        precision: the number format of the networks, float32 or bfloat16.
        compile: how the backbone is compiled: none, or a mode of ``torch.compile``.
    """

    classifier: ClassifierSettings
    size: int
    batch_size: int
    device: torch.device
    precision: str = "float32"
    compile: str = "none"

    @property
    def columns(self) -> dict[str, Any]:
        """Return the columns of a row that name this configuration."""
        network = self.classifier.architecture
        return {"network": network} | {key: getattr(self, key) for key in ("size", "batch_size", "precision", "compile")}

    def method(self, name: str) -> Method:
        """Return a method with its default hyper-parameters and random weights. ALIGN is in its guided phase."""
        entry = METHODS[name]
        training = TrainingSettings.model_validate({"precision": self.precision})
        run = RunSettings(entry.implementation, entry.settings(), self.classifier, training, AugmentationSettings())
        method = run.build(CLASSES, 0, self.device, self.compile)
        if isinstance(method, ALIGN):
            method.phase = "guided"
        return method

    def split(self, count: int) -> Images:
        """Return ``count`` images of noise with labels, as bytes."""
        images = torch.randint(256, (count, self.size, self.size, 3), dtype=torch.uint8, device=self.device)
        return Images(images, torch.arange(count, device=self.device) % CLASSES)

    def batch(self) -> Batch:
        """Return images of noise with labels and domains. In memory channels come last, as after augmentation."""
        images = torch.randn((self.batch_size, 3, self.size, self.size), device=self.device)
        images = images.to(memory_format=torch.channels_last)
        numbers = torch.arange(self.batch_size, device=self.device)
        domains = numbers[:DOMAINS, None] == numbers % DOMAINS
        return Batch(images, numbers % CLASSES, None, domains, plain=images.sigmoid())
