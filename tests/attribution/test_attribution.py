import copy

import pytest
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from hypothesis import given
from hypothesis import strategies as st
from pytorch_grad_cam import HiResCAM, LayerCAM
from torch import nn

from align.attribution import ATTRIBUTIONS
from align.attribution.grad_cam import class_activation, grad_cam, grad_cam_at
from align.attribution.hires_cam import hires_cam
from align.attribution.input_gradient import class_gradient, input_gradient
from align.attribution.integrated_gradients import STEPS, integrated_gradients, path_integral
from align.attribution.layer_cam import layer_cam
from align.imaging.scaling import is_flat, min_max_scale
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.registry import load

NETWORKS = {
    "small_resnet": (ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 8, 16)), 48, "layer2", "layer3"),
    "resnet18": (ClassifierSettings(architecture="resnet18", weights=None), 96, "layer3", "layer4"),
}
EVERY_ATTRIBUTION = pytest.mark.parametrize("attribution", [load(where) for where in ATTRIBUTIONS.values()], ids=ATTRIBUTIONS)


@pytest.fixture(params=NETWORKS)
def example(request, generator):
    """Return a classifier in double precision. Two ways to compute the same map then differ only if one is wrong."""
    network, size, inner, last = NETWORKS[request.param]
    classifier = build_classifier(network, 5, generator).double().eval()
    images = torch.randn(3, 3, size, size, generator=generator, dtype=torch.float64)
    return classifier, images, torch.tensor([4, 0, 2]), inner, last


def weight_gradients(classifier, maps, generator):
    """Return the gradient of a random linear function of the maps with respect to all weights, as one vector."""
    pulled = (maps * torch.rand(maps.shape, generator=generator, dtype=maps.dtype)).sum()
    weights = list(classifier.parameters())
    found = torch.autograd.grad(pulled, weights, allow_unused=True)
    return torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in zip(weights, found)])


def test_closed_form_equals_captum(example):
    classifier, images, labels, _, last = example
    found = grad_cam(classifier, images, classifier.features(images), labels)
    layer = getattr(classifier.backbone, last)
    expected = LayerGradCam(classifier, layer).attribute(images, target=labels, relu_attributions=True).squeeze(1)
    assert expected.max() > 0
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_activation_without_relu_equals_captum(example):
    classifier, images, labels, _, last = example
    found = class_activation(classifier, classifier.features(images), labels)
    expected = LayerGradCam(classifier, getattr(classifier.backbone, last)).attribute(images, target=labels).squeeze(1)
    assert expected.min() < 0 < expected.max()
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_autograd_equals_captum_at_an_inner_layer(example):
    classifier, images, labels, inner, last = example
    found = grad_cam_at(classifier, images, labels, inner)
    layer = getattr(classifier.backbone, inner)
    expected = LayerGradCam(classifier, layer).attribute(images, target=labels, relu_attributions=True).squeeze(1)
    assert found.shape[1] == 2 * grad_cam_at(classifier, images, labels, last).shape[1]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("detach_weights", [False, True])
def test_closed_form_has_the_gradients_of_autograd(example, detach_weights):
    classifier, images, labels, _, last = example
    classifier.train()  # as in a training step: through the batch's statistics
    closed = class_activation(classifier, classifier.features(images), labels, detach_weights=detach_weights).relu()
    by_autograd = grad_cam_at(classifier, images, labels, last, detach_weights=detach_weights)
    torch.testing.assert_close(closed, by_autograd, rtol=1e-9, atol=1e-12)
    found, expected = (weight_gradients(classifier, maps, torch.Generator().manual_seed(1)) for maps in (closed, by_autograd))
    assert expected.norm() > 0
    assert (found - expected).norm() / expected.norm() < 1e-9


def test_detached_weights_leave_the_head_alone(example):
    classifier, images, labels, _, _ = example
    head = classifier.head.weight
    features = classifier.features(images)
    attached = class_activation(classifier, features, labels)
    (gradient,) = torch.autograd.grad(attached.sum(), head, retain_graph=True)
    detached = class_activation(classifier, features, labels, detach_weights=True)
    torch.testing.assert_close(gradient[labels], features.mean((2, 3)))
    assert torch.autograd.grad(detached.sum(), head, allow_unused=True) == (None,)


def test_a_map_at_a_stage_has_the_weights_gradients_unless_they_are_detached(example):
    classifier, images, labels, _, last = example
    maps = grad_cam_at(classifier, images, labels, last)
    assert torch.autograd.grad(maps.sum(), classifier.head.weight)[0].abs().sum() > 0


def test_maps_are_available_without_any_gradient(example):
    classifier, images, labels, _, last = example
    classifier.requires_grad_(False)
    with torch.no_grad():
        closed = grad_cam(classifier, images, classifier.features(images), labels)
        torch.testing.assert_close(grad_cam_at(classifier, images, labels, last), closed, rtol=1e-9, atol=1e-12)
    assert not closed.requires_grad


def test_the_map_is_that_of_the_asked_class(example):
    classifier, images, _, _, _ = example
    features = classifier.features(images)
    first, second = (class_activation(classifier, features, torch.full((3,), label)) for label in (0, 1))
    logits = classifier.classify(features)
    assert not torch.allclose(first, second)
    for label, maps in enumerate((first, second)):  # completeness: the map and the bias make the logit
        torch.testing.assert_close(maps.sum((1, 2)) + classifier.head.bias[label], logits[:, label])


@pytest.mark.parametrize(("attribution", "reference"), [(hires_cam, HiResCAM), (layer_cam, LayerCAM)], ids=["hires", "layer"])
def test_closed_forms_equal_gradient_times_activation_place_by_place(example, attribution, reference):
    classifier, images, labels, _, last = example
    layer = getattr(classifier.backbone, last)
    with reference(classifier, [layer]) as cam:
        cam.activations_and_grads(images).gather(1, labels[:, None]).sum().backward()
        (activations,), (gradients,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
        expected = cam.get_cam_image(images, layer, None, activations.numpy(), gradients.numpy(), eigen_smooth=False)
    assert expected.min() < 0 < expected.max() or attribution is layer_cam
    found = attribution(classifier, images, classifier.features(images), labels)
    torch.testing.assert_close(found, torch.from_numpy(expected).relu(), rtol=1e-9, atol=1e-12)


def test_input_gradient_equals_captum(example):
    classifier, images, labels, _, _ = example
    found = input_gradient(classifier, images, classifier.features(images), labels)
    expected = Saliency(classifier).attribute(images.clone().requires_grad_(), target=labels).amax(1)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_path_integral_equals_captum(example):
    classifier, images, labels, _, _ = example
    expected = IntegratedGradients(classifier).attribute(images, target=labels, n_steps=STEPS, method="riemann_middle")
    torch.testing.assert_close(path_integral(classifier, images, labels), expected, rtol=1e-9, atol=1e-12)


def test_integrated_gradients_are_the_sum_of_a_pixel_s_channels_where_it_is_positive(example):
    classifier, images, labels, _, _ = example
    channels = IntegratedGradients(classifier).attribute(images, target=labels, n_steps=STEPS, method="riemann_middle")
    expected = (channels[:, 0] + channels[:, 1] + channels[:, 2]).clamp(min=0)
    assert 0 < (expected > 0).double().mean() < 1
    found = integrated_gradients(classifier, images, classifier.features(images), labels)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


def test_path_integral_is_complete(example, generator):
    """The integral's sum approaches the change of the logit as the steps get finer (arXiv:1703.01365, proposition 1)."""
    classifier, images, labels, _, _ = example
    for module in classifier.modules():
        if isinstance(module, nn.BatchNorm2d):  # without offsets the logit is linear along the path, and any one step exact
            nn.init.uniform_(module.bias, -0.5, 0.5, generator=generator)
    with torch.no_grad():
        change = (classifier(images) - classifier(torch.zeros_like(images)))[torch.arange(3), labels]
        errors = [(path_integral(classifier, images, labels, steps).sum((1, 2, 3)) - change).abs().max() for steps in (1, 64)]
    assert errors[1] < 0.01 * change.abs().max()
    assert errors[1] < 0.1 * errors[0]


@EVERY_ATTRIBUTION
def test_a_loss_of_the_map_has_the_slope_of_finite_differences(attribution, generator):
    network = ClassifierSettings(architecture="small_resnet", weights=None, widths=(3, 4))
    classifier = build_classifier(network, 3, generator).double().eval()
    images = torch.randn(2, 3, 12, 12, generator=generator, dtype=torch.float64)
    labels = torch.tensor([2, 0])
    start = nn.utils.parameters_to_vector(classifier.parameters()).detach()
    direction = torch.randn(start.shape, generator=generator, dtype=start.dtype)

    def loss(step):
        nn.utils.vector_to_parameters(start + step * direction, classifier.parameters())
        return attribution(classifier, images, classifier.features(images), labels).square().sum()

    numerical = (loss(1e-6) - loss(-1e-6)) / 2e-6
    gradients = torch.autograd.grad(loss(0), list(classifier.parameters()), allow_unused=True, materialize_grads=True)
    slope = torch.cat([gradient.flatten() for gradient in gradients]) @ direction
    assert slope.abs() > 1e-6
    torch.testing.assert_close(slope, numerical.detach(), rtol=1e-5, atol=1e-9)


@EVERY_ATTRIBUTION
def test_maps_are_not_negative_and_need_no_gradient(example, attribution):
    classifier, images, labels, _, _ = example
    classifier.requires_grad_(False)
    with torch.no_grad():
        maps = attribution(classifier, images, classifier.features(images), labels)
    assert maps.shape[0] == 3
    assert maps.dim() == 3
    assert maps.min() >= 0
    assert not maps.requires_grad


def test_an_input_gradient_leaves_the_network_as_it_was_and_other_images_alone(example):
    classifier, images, labels, _, _ = example
    classifier.train()
    before = copy.deepcopy(classifier.state_dict())
    together = class_gradient(classifier, images, labels)
    single = class_gradient(classifier, images[:1], labels[:1])
    torch.testing.assert_close(together[:1], single, rtol=1e-9, atol=1e-12)
    assert classifier.training
    for name, value in classifier.state_dict().items():
        assert torch.equal(value, before[name])


@EVERY_ATTRIBUTION
@pytest.mark.parametrize("part", ["head", "backbone"])
def test_the_map_changes_when_weights_are_randomised(example, attribution, part, generator):
    """The sanity check of Adebayo et al., arXiv:1810.03292. An edge detector would give the same map again."""
    classifier, images, labels, _, _ = example
    other = copy.deepcopy(classifier)
    for module in getattr(other, part).modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, std=module.weight.std().item(), generator=generator)
    before, after = (
        min_max_scale(attribution(network, images, network.features(images), labels)).flatten(1)
        for network in (classifier, other)
    )
    correlations = [torch.corrcoef(torch.stack(pair))[0, 1].nan_to_num() for pair in zip(before, after)]
    # LayerCAM drops what speaks against the class: before training its map is nearly that of the features' magnitude.
    assert torch.stack(correlations).mean() < (0.95 if attribution is layer_cam else 0.6)


def test_min_max_scale_by_hand():
    maps = torch.tensor([[[1.0, 3.0], [2.0, 5.0]], [[-4.0, 0.0], [0.0, -2.0]]])
    expected = torch.tensor([[[0.0, 0.5], [0.25, 1.0]], [[0.0, 1.0], [1.0, 0.5]]])
    torch.testing.assert_close(min_max_scale(maps), expected, rtol=0, atol=0)


def test_a_flat_map_is_scaled_to_zero_and_has_finite_gradients():
    maps = torch.full((2, 3, 3), 7.0, requires_grad=True)
    scaled = min_max_scale(maps)
    scaled.sum().backward()
    assert scaled.eq(0).all()
    assert maps.grad is not None
    assert maps.grad.isfinite().all()


@pytest.mark.parametrize("scale", [1e-30, 1.0, -1e6])
def test_a_map_is_flat_up_to_rounding_whatever_its_scale(scale):
    noise = torch.tensor([0.0, 3.0, -2.0, 5.0]).view(1, 2, 2)
    assert is_flat(scale * (1 + 1e-7 * noise))
    assert min_max_scale(scale * (1 + 1e-7 * noise)).eq(0).all()
    assert not is_flat(scale * (1 + 1e-4 * noise))
    assert is_flat(torch.full((1, 1, 1), scale))
    assert not is_flat(torch.full((1, 2, 2), torch.nan))


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=4, max_size=4), st.floats(0.125, 8, width=32))
def test_scaled_maps_fill_the_unit_interval_whatever_their_scale(values, factor):
    maps = torch.tensor(values).view(1, 2, 2)
    scaled = min_max_scale(maps)
    assert scaled.min() == 0
    assert scaled.max() == (0 if is_flat(maps) else 1)
    if maps.max() - maps.min() > 1e-3:
        torch.testing.assert_close(min_max_scale(factor * maps), scaled, rtol=1e-3, atol=1e-3)
