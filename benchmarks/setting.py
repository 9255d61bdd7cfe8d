"""What a training benchmark is taken with: the same methods, networks and batches for all of them."""

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
        size: side of the images, pixels.
        batch_size: images per step.
        device: where the step is taken.
        precision: of the networks' passes, float32 or bfloat16.
        compile: of the backbone, none or a mode of ``torch.compile``.
    """

    classifier: ClassifierSettings
    size: int
    batch_size: int
    device: torch.device
    precision: str = "float32"
    compile: str = "none"

    @property
    def columns(self) -> dict[str, Any]:
        """Return what a row says of its configuration."""
        network = self.classifier.architecture
        return {"network": network} | {key: getattr(self, key) for key in ("size", "batch_size", "precision", "compile")}

    def method(self, name: str) -> Method:
        """Return a method with its default hyper-parameters and random weights, ALIGN as it is once guided."""
        entry = METHODS[name]
        training = TrainingSettings.model_validate({"precision": self.precision})
        run = RunSettings(entry.implementation, entry.settings(), self.classifier, training, AugmentationSettings())
        method = run.build(CLASSES, 0, self.device, self.compile)
        if isinstance(method, ALIGN):
            method.phase = "guided"
        return method

    def split(self, count: int) -> Images:
        """Return ``count`` packed images of noise with labels."""
        images = torch.randint(256, (count, self.size, self.size, 3), dtype=torch.uint8, device=self.device)
        return Images(images, torch.arange(count, device=self.device) % CLASSES)

    def batch(self) -> Batch:
        """Return noise with labels and domains, as augmentation hands images over: channels last in memory."""
        images = torch.randn((self.batch_size, 3, self.size, self.size), device=self.device)
        numbers = torch.arange(self.batch_size, device=self.device)
        domains = numbers[:DOMAINS, None] == numbers % DOMAINS
        return Batch(images.to(memory_format=torch.channels_last), numbers % CLASSES, None, domains)
