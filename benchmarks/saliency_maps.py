"""Grad-CAM maps per second: ours, captum's and pytorch-grad-cam's, of the same network and images, against one forward pass."""

import pandas as pd
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from align.attribution.grad_cam import grad_cam
from align.configuration.schema import Classifier
from align.models.classifier import build_classifier
from benchmarks.timing import interleaved, table

# Ours over theirs, in maps per second, to reach.
GOALS = {"captum": 1.0, "pytorch-grad-cam": 2.5}


def saliency_maps(classifier: Classifier, size: int, batch_size: int, rounds: int, device: torch.device) -> pd.DataFrame:
    """Return a row per library: seconds per batch, maps/s, and how many times as many maps per second as it ours gives."""
    network = build_classifier(classifier, 5, torch.Generator().manual_seed(0)).to(device).to(memory_format=torch.channels_last)
    network.eval()
    images = torch.randn((batch_size, 3, size, size), device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(batch_size, device=device) % 5
    last_stage = network.backbone[-1]
    by_captum = LayerGradCam(network, last_stage)
    by_pytorch_grad_cam = GradCAM(model=network, target_layers=[last_stage])
    targets = [ClassifierOutputTarget(int(label)) for label in labels]

    @torch.no_grad()
    def forward() -> torch.Tensor:
        return network(images)

    @torch.no_grad()
    def ours() -> torch.Tensor:
        return grad_cam(network, images, network.features(images), labels)

    seconds = interleaved(
        {
            "forward pass": forward,
            "ours": ours,
            "captum": lambda: by_captum.attribute(images, labels, relu_attributions=True),
            "pytorch-grad-cam": lambda: by_pytorch_grad_cam(input_tensor=images, targets=targets),
        },
        rounds,
    )
    measured = table("saliency maps", classifier.architecture, size, batch_size, seconds, "ours")
    return measured.assign(precision="float32", compile="none", goal=[GOALS.get(name) for name in seconds])
