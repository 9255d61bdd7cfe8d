"""Grad-CAM maps per second of this library, captum and pytorch-grad-cam on the same network and images, and a forward pass."""

import pandas as pd
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from align.attribution.grad_cam import grad_cam
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, table, with_goals

# The least ratio of our maps per second to theirs.
GOALS = {"captum": 1.0, "pytorch-grad-cam": 2.5}


def saliency_maps(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return a row for each library: seconds per batch, maps/s, and as ``ratio`` our maps/s over the maps/s of the library."""
    network = setting.method("erm").classifier.eval()
    images, labels, *_ = setting.batch()
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

    contenders = {
        "forward pass": forward,
        "ours": ours,
        "captum": lambda: by_captum.attribute(images, labels, relu_attributions=True),
        "pytorch-grad-cam": lambda: by_pytorch_grad_cam(input_tensor=images, targets=targets),
    }
    seconds = interleaved(contenders, rounds)
    return with_goals(table("saliency maps", setting.columns, setting.batch_size, seconds, "ours"), GOALS, "ratio")
