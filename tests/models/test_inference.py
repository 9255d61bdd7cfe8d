"""Fast evaluation: fusing the batch normalisation changes no prediction, and nothing is imported that is not needed."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from align.models.classifier import build_classifier
from align.models.inference import fuse_batch_normalisation
from align.models.settings import ClassifierSettings


@pytest.mark.parametrize(("architecture", "size"), [("small_resnet", 48), ("resnet18", 64)])
def test_a_classifier_with_fused_batch_normalisation_predicts_the_same(architecture, size):
    generator = torch.Generator().manual_seed(0)
    classifier = build_classifier(ClassifierSettings(architecture=architecture, weights=None), 5, generator).eval()
    for module in classifier.modules():
        if isinstance(module, nn.BatchNorm2d):  # as after training: no value is still 0 or 1
            for values in (module.running_mean, module.running_var, module.weight.data, module.bias.data):
                values.uniform_(0.5, 1.5, generator=generator)
    state = {name: value.clone() for name, value in classifier.state_dict().items()}
    images = torch.randn(8, 3, size, size, generator=generator)
    fused = fuse_batch_normalisation(classifier)
    with torch.no_grad():
        assert fused(images).softmax(1).numpy() == pytest.approx(classifier(images).softmax(1).numpy(), abs=1e-5)
        middle = classifier.intermediate_features(images)
        torch.testing.assert_close(fused.intermediate_features(images), middle, rtol=1e-4, atol=1e-4 * float(middle.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fused.modules())
    assert all(torch.equal(value, state[name]) for name, value in classifier.state_dict().items())


def test_evaluation_of_the_small_network_imports_no_torchvision_and_no_compiler():
    check = """
import sys
from align.models.settings import ClassifierSettings
from align.metrics import METRICS
from align.metrics.explain import explain
from align.models.classifier import build_classifier
from align.registry import load
import torch
[load(entry.implementation) for entry in METRICS.values()]
build_classifier(ClassifierSettings(architecture="small_resnet", weights=None), 5, torch.Generator())
print(*{"torchvision", "torch._dynamo", "scipy", "sklearn", "matplotlib"} & sys.modules.keys())
"""
    assert subprocess.run([sys.executable, "-c", check], stdout=subprocess.PIPE, text=True, check=True).stdout.split() == []
