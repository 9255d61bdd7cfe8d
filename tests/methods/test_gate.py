"""ALIGN-gate: its losses against an independent computation, and that its mask is at work in tests."""

import numpy as np
import pytest
import torch
from method_terms import TRAINING, as_numpy, numpy_cross_entropy, state_of, unchanged
from small_runs import CPU, VALIDATION_SPLIT, run_settings, trained_run

from align.attribution.grad_cam import grad_cam
from align.methods.align.gate import ALIGNGate
from align.methods.align.settings import ALIGNGateSettings
from align.training.images import on_device


@pytest.fixture
def method(classifier, generator):
    method = ALIGNGate(classifier, ALIGNGateSettings(area=0.2, annealing=0.5), TRAINING, generator)
    torch.nn.init.normal_(method.gate.score.weight, generator=generator)
    method.gate.score.weight.data *= 0.1
    return method


def ungated_features(method, images):
    for stage in list(method.classifier.backbone)[:-1]:
        images = stage(images)
    return images


def test_losses_equal_an_independent_computation(method, batch):
    method.classifier.eval()
    method.area = 0.3
    features, weight, bias = as_numpy(
        ungated_features(method, batch.images), method.classifier.head.weight, method.classifier.head.bias
    )
    (kernel,) = as_numpy(method.gate.score.weight)
    mask = 1 / (1 + np.exp(-(np.einsum("nchw,c->nhw", features, kernel[0, :, 0, 0]) + 2.0)))
    weighted_mean = np.einsum("nchw,nhw->nc", features, mask) / mask.sum((1, 2))[:, None]
    terms = method.losses(batch)
    expected = {
        "classification": numpy_cross_entropy(weighted_mean @ weight.T + bias, batch.labels),
        "ungated": numpy_cross_entropy(features.mean((2, 3)) @ weight.T + bias, batch.labels),
        "gate_area": abs(mask.mean() - 0.3),
    }
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(
        method.classifier(batch.images), torch.tensor(weighted_mean @ weight.T + bias, dtype=torch.float32), rtol=1e-4, atol=1e-4
    )


def test_what_is_outside_of_the_mask_is_not_predicted_nor_explained(method, batch):
    """A gate that is shut for the left half of the cells: changes there change nothing."""
    method.classifier.eval()
    features = ungated_features(method, batch.images).detach()
    shut = torch.zeros(len(features), 1, *features.shape[-2:])
    shut[..., features.shape[-1] // 2 :] = 1
    method.gate.mask = lambda _: shut
    changed = features.clone()
    changed[..., : features.shape[-1] // 2] += torch.rand(1)
    assert torch.equal(method.gate(features), method.gate(changed))
    gated = method.classifier.features(batch.images)
    assert grad_cam(method.classifier, batch.images, gated, batch.labels)[..., : features.shape[-1] // 2].abs().max() == 0


def test_the_area_falls_in_equal_steps(method):
    areas = []
    for epoch in range(1, 9):
        assert not method.start_epoch(epoch, 8)
        areas.append(method.area)
    assert areas == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2, 0.2])


def test_a_step_trains_the_gate_and_the_rest(method, batch):
    before = {name: state_of(part) for name, part in (("gate", method.gate), ("head", method.classifier.head))}
    method.step(batch)
    assert not unchanged(method.gate, before["gate"])
    assert not unchanged(method.classifier.head, before["head"])


def test_masks_reach_the_area_in_a_run_and_come_back_from_its_networks():
    trained, _ = trained_run("align-gate", epochs=30, learning_rate=1e-2)
    areas = trained.history.by_name()["validation_mask_area"]
    assert areas[1] > 0.7
    assert areas[30] == pytest.approx(0.3, abs=0.15)
    again = run_settings("align-gate").build(3, seed=5, device=CPU)
    again.classifier.load_state_dict(trained.states["classifier"])
    again.classifier.eval()
    batch = on_device([VALIDATION_SPLIT], CPU).batch()
    masks = again.used_masks(batch)
    assert masks.shape == (len(batch.images), *batch.images.shape[-2:])
    predicted = again.classifier(batch.images).argmax(1)
    assert (predicted == batch.labels).float().mean().item() == pytest.approx(trained.validation_accuracy)


def test_a_mask_that_ends_grey_is_a_failure(method):
    history = {"validation_mask_area": {1: 0.9, 2: 0.3}, "validation_mask_spread": {1: 0.0, 2: 0.2}}
    assert method.failures(history) == []
    history["validation_mask_spread"][2] = 0.0
    assert [failure.name for failure in method.failures(history)] == ["mask collapse"]
