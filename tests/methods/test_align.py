import copy
from collections import deque

import numpy as np
import pytest
import torch
from method_terms import (
    SIZE,
    SMALL,
    TRAINING,
    as_numpy,
    count_calls,
    mixed_forward,
    numpy_cross_entropy,
    numpy_dre_terms,
    numpy_maps_and_logits,
    numpy_scaled,
    state_of,
    unchanged,
)
from scipy.special import log_softmax
from torch import nn

from align.methods.align import ALIGN
from align.methods.align.losses import distinction_loss, guidance_loss, total_variation
from align.methods.align.settings import ALIGNSettings
from align.methods.base import Batch, minimise
from align.models.classifier import build_classifier
from align.training.trainer import preparation_steps

REGULARISATION = ("consistency", "sparsity", "mixed_classification")


def alone(method, batches, epoch, epochs):
    """Start an epoch; return the terms of the masker's steps before it."""
    steps = []
    if method.start_epoch(epoch, epochs):
        deque(preparation_steps(method, batches, steps), maxlen=0)
    return steps


class ConstantMasker(nn.Module):
    """Gives all pixels of the left half of an image one relevance, and those of the right half another, whatever it learns."""

    def __init__(self, left, right):
        super().__init__()
        self.halves = nn.Parameter(torch.tensor([left, right]).logit())

    def scores(self, images, classifier):
        return self.halves.repeat_interleave(SIZE // 2).expand(len(images), 1, SIZE, SIZE)


class TestALIGNLosses:
    def test_distinction_by_hand(self):
        assert distinction_loss(torch.tensor([1.0, 0.5]), torch.tensor([0.0, 0.75])).item() == (0 + 1.25**2) / 2

    def test_total_variation_by_hand(self):
        mask = torch.tensor([[0.0, 1.0, 1.0], [0.5, 0.5, 0.0]]).view(1, 1, 2, 3)
        vertical, horizontal = (0.5 + 0.5 + 1) / 3, (1 + 0 + 0 + 0.5) / 4
        assert total_variation(mask).item() == pytest.approx((vertical + horizontal) / 2)

    def test_guidance_is_the_cross_entropy_of_scaled_map_and_shrunken_mask(self):
        explanation = torch.tensor([[[2.0, 4.0], [6.0, 3.0]]])
        mask = torch.zeros(1, 1, 4, 4)
        mask[..., :2, 2:] = 1  # the upper right cell
        mask[..., 2:, 0] = 1  # half of the lower left cell
        q = np.array([0.001, 0.5, 0.999, 0.25])  # (2, 4, 6, 3) scaled; ends kept off 0 and 1
        t = np.array([0.0, 1.0, 0.5, 0.0])
        expected = -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean()
        assert guidance_loss(explanation, mask).item() == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize("size", [(8, 8), (7, 10)])
    def test_guidance_shrinks_by_area_whatever_the_size(self, size, generator):
        explanation = torch.rand(2, 3, 3, generator=generator)
        mask = torch.rand(2, 1, *size, generator=generator)
        target = nn.functional.adaptive_avg_pool2d(mask, 3).squeeze(1)
        q, t = np.clip(numpy_scaled(explanation.numpy()), 1e-3, 1 - 1e-3), target.numpy()
        expected = -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean()
        assert guidance_loss(explanation, mask).item() == pytest.approx(expected, rel=1e-4)

    def test_guidance_of_a_flat_map_is_finite_with_its_gradient(self):
        explanation = torch.zeros(1, 3, 3, requires_grad=True)
        loss = guidance_loss(explanation, torch.full((1, 1, 6, 6), 0.5))
        loss.backward()
        assert loss.isfinite()
        assert explanation.grad.isfinite().all()

    def test_guidance_pulls_the_map_onto_the_mask(self, generator):
        explanation = torch.rand(1, 4, 4, generator=generator).requires_grad_()
        mask = torch.zeros(1, 1, 8, 8)
        mask[..., 2:4, 4:6] = 1
        optimiser = torch.optim.Adam([explanation], lr=0.05)
        for _ in range(200):
            minimise(guidance_loss(explanation, mask), optimiser)
        assert explanation.argmax().item() == 1 * 4 + 2


class TestALIGN:
    @pytest.fixture
    def build(self, classifier, generator):
        def build(**hyper_parameters):
            return ALIGN(classifier, ALIGNSettings(masker_width=4, **hyper_parameters), TRAINING, generator)

        return build

    @pytest.mark.parametrize("masker_input", ["pixels", "features"])
    def test_a_masker_step_changes_the_masker_only(self, build, batch, masker_input):
        method = build(masker_input=masker_input)
        classifier, masker = state_of(method.classifier), state_of(method.masker.network)
        method.masker_step(batch)
        assert unchanged(method.classifier, classifier)
        assert all(weight.grad is None and weight.requires_grad for weight in method.classifier.parameters())
        assert method.classifier.training
        assert not any(torch.equal(weight, masker[name]) for name, weight in method.masker.network.named_parameters())

    def test_a_classifier_step_changes_the_classifier_only(self, build, batch, monkeypatch):
        method = build()
        method.phase = "guided"
        monkeypatch.setattr(method, "masker_step", lambda batch: {})
        method.guidance_mask = torch.rand(8, 1, SIZE, SIZE)
        classifier, masker = state_of(method.classifier), state_of(method.masker.network)
        assert "guidance" in method.step(batch)
        assert unchanged(method.masker.network, masker)
        assert all(weight.grad is None for weight in method.masker.network.parameters())
        assert not any(torch.equal(weight, classifier[name]) for name, weight in method.classifier.named_parameters())

    def test_masker_terms_equal_an_independent_computation(self, build, batch):
        method = build(lambda1=3.0, lambda2=0.7)
        with torch.no_grad():
            mask = copy.deepcopy(method.masker.network)(batch.images, method.classifier)
            reference = copy.deepcopy(method.classifier).eval()
            logits = [reference(seen) for seen in (batch.images * mask, batch.images * (1 - mask))]
        rows = np.arange(8)
        kept, removed = (np.exp(log_softmax(some, axis=1))[rows, batch.labels] for some in as_numpy(*logits))
        (m,) = as_numpy(mask)
        expected = {
            "mask_distinction": ((kept - removed - 1) ** 2).mean(),
            "mask_sparsity": m.mean(),
            "mask_smoothness": (np.abs(np.diff(m, axis=2)).mean() + np.abs(np.diff(m, axis=3)).mean()) / 2,
        }
        total = expected["mask_distinction"] + 3 * expected["mask_sparsity"] + 0.7 * expected["mask_smoothness"]
        expected |= {"mask_total": total, "mask_area": m.mean(), "mask_spread": m.std((1, 2, 3)).mean()}
        terms = method.masker_step(batch)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
        assert torch.equal(method.guidance_mask, mask)

    def test_classifier_terms_equal_an_independent_computation(self, build, batch):
        method = build(lambda3=0.3, lambda4=2.0)
        method.phase = "guided"
        method.guidance_mask = torch.rand(8, 1, SIZE, SIZE)
        features, partners, ratios = mixed_forward(method, batch, seed=5)
        maps, logits = numpy_maps_and_logits(method.classifier, features, batch.labels.repeat(2))
        t = nn.functional.adaptive_avg_pool2d(method.guidance_mask, maps.shape[1:]).squeeze(1).double().numpy()
        q = np.clip(numpy_scaled(np.maximum(maps[:8], 0)), 1e-3, 1 - 1e-3)
        expected = {
            "classification": numpy_cross_entropy(logits[:8], batch.labels),
            "guidance": -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean(),
        }
        expected |= numpy_dre_terms(method.settings, maps[:8], maps[8:], logits[8:], batch.labels, partners, ratios)
        method.generator.manual_seed(5)
        calls = count_calls(method.classifier.backbone, [])
        terms = method.losses(batch)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
        assert calls == [8, 8]
        regularisation = {"consistency": 2.0, "sparsity": 1.0, "mixed_classification": 0.2}
        assert method.weights == {"classification": 1.0, "guidance": 0.3, **regularisation}

    def test_a_guided_step_computes_its_masks_once(self, build, batch):
        method = build()
        method.phase = "guided"
        masks, forwards = count_calls(method.masker.network.score, []), count_calls(method.classifier.backbone, [])
        assert set(method.step(batch)) == {
            *("classification", "guidance", *REGULARISATION, "total"),
            *("mask_distinction", "mask_sparsity", "mask_smoothness", "mask_total", "mask_area", "mask_spread"),
        }
        assert masks == [8]
        assert forwards == [16, 8, 8]  # with and without the mask; clean; mixed

    def test_the_warm_up_has_no_guidance_and_no_masker(self, build, batch):
        method = build()
        before = state_of(method.masker.network)
        assert set(method.step(batch)) == {"classification", *REGULARISATION, "total"}
        assert unchanged(method.masker.network, before)

    def test_without_guidance_there_is_no_masker(self, build, batch):
        method = build(lambda3=0)
        for epoch in (1, 2, 3):
            assert not method.start_epoch(epoch, 3)
            method.step(batch)
        assert (method.phase, method.masker, method.used_masks(batch)) == ("warm_up", None, None)
        assert set(method.networks) == {"classifier"}

    @pytest.mark.parametrize(
        ("warm_up", "epochs", "first_guided"), [(0.0, 3, 1), (0.4, 10, 5), (0.5, 3, 3), (0.9, 4, None), (1.0, 4, None)]
    )
    def test_phases(self, build, batch, warm_up, epochs, first_guided):
        method = build(warm_up=warm_up, masker_steps=2, masker_steps_at_most=2)
        steps, phases = [], []
        for epoch in range(1, epochs + 1):
            steps.append(len(alone(method, [batch], epoch, epochs)))
            phases.append(method.phase)
        warm = epochs if first_guided is None else first_guided - 1
        assert phases == ["warm_up"] * warm + ["guided"] * (epochs - warm)
        assert steps == [2 if epoch == first_guided else 0 for epoch in range(1, epochs + 1)]

    @pytest.mark.parametrize(
        ("halves", "steps"),
        [((0.4, 0.6), 5), ((0.99, 0.93), 12), ((0.01, 0.01), 12), ((0.35, 0.25), 12)],  # fine, everything, nothing, grey
    )
    def test_the_masker_trains_alone_while_its_mask_is_collapsed(self, build, batch, halves, steps):
        method = build(warm_up=0.0, masker_steps=5, masker_steps_at_most=12)
        method.masker.network = ConstantMasker(*halves)
        method.masker.optimiser = torch.optim.SGD(method.masker.network.parameters(), lr=1e-9)
        before = state_of(method.classifier)
        taken = alone(method, [batch, batch], 1, 4)
        assert [step["mask_area"].item() for step in taken] == pytest.approx([sum(halves) / 2] * steps, abs=1e-6)
        spread = (halves[0] - halves[1]) / 2
        assert [step["mask_spread"].item() for step in taken] == pytest.approx([abs(spread)] * steps, abs=1e-6)
        assert unchanged(method.classifier, before)

    def test_a_mask_that_recovers_ends_the_masker_steps(self, build, batch):
        method = build(warm_up=0.0, masker_steps=3, masker_steps_at_most=50)
        areas = iter([0.99, 0.98, 0.97, 0.96, 0.9, 0.5])
        method.masker_step = lambda batch: {"mask_area": torch.tensor(next(areas)), "mask_spread": torch.tensor(0.2)}
        assert len(alone(method, [batch], 1, 1)) == 5

    def test_no_masker_steps(self, build, batch):
        method = build(warm_up=0.0, masker_steps=0, masker_steps_at_most=0)
        assert alone(method, [batch], 1, 1) == []
        assert method.phase == "guided"

    def test_mask_changes_nothing_and_sees_no_other_image(self, build, batch):
        method = build()
        classifier, masker = state_of(method.classifier), state_of(method.masker.network)
        masks = method.used_masks(batch)
        assert masks.shape == (8, SIZE, SIZE)
        torch.testing.assert_close(
            method.used_masks(Batch(batch.images[:2], batch.labels[:2])), masks[:2]
        )  # evaluation mode: no batch statistics
        assert unchanged(method.classifier, classifier)
        assert unchanged(method.masker.network, masker)
        assert method.masker.network.training

    def test_diagnosis_by_hand(self, build):
        method = build()
        # A head of ones and non-negative features: Grad-CAM is their mean; the mask is the left half of the image.
        features = torch.zeros(2, 8, 2, 2)
        features[0, :, :, 0], features[0, :, :, 1] = 3.0, 1.0
        features[1, :, 0, 1] = 5.0
        nn.init.ones_(method.classifier.head.weight)
        mask = torch.zeros(2, 4, 4)
        mask[..., :2] = 1.0
        method.used_masks = lambda batch: mask
        method.phase = "guided"
        found = method.diagnose(Batch(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1])), features)
        assert found["validation_mask_area"].tolist() == [0.5, 0.5]
        assert found["validation_mask_spread"].tolist() == [0.5, 0.5]
        assert found["validation_energy_outside"].tolist() == pytest.approx([0.25, 1.0])

    def test_a_checkpoint_holds_both_networks(self, build):
        method = build()
        assert method.networks == {"classifier": method.classifier, "masker": method.masker.network}

    def test_training_alone_moves_the_mask_towards_less_area(self, build, batch):
        method = build(lambda1=20.0, lambda2=0.0, masker_learning_rate=0.05)
        areas = [method.masker_step(batch)["mask_area"].item() for _ in range(15)]
        assert areas[-1] < 0.5 * areas[0]


class TestUnlearnedMasks:
    @pytest.fixture
    def build(self, classifier, generator):
        return lambda masker: ALIGN(classifier, ALIGNSettings(masker=masker, warm_up=0), TRAINING, generator)

    @pytest.fixture
    def given(self, batch):
        """Masks of the left half, the upper half, …; the images 2 and 5 have none."""
        masks = torch.zeros(8, 1, SIZE, SIZE)
        masks[0::2, ..., : SIZE // 2] = 1.0
        masks[1::2, ..., : SIZE // 2, :] = 1.0
        masks[[2, 5]] = torch.nan
        return batch._replace(given_masks=masks)

    @pytest.mark.parametrize("masker", ["grey", "centre", "random"])
    def test_a_computed_mask_guides_from_the_first_guided_step_on(self, build, batch, masker):
        method = build(masker)
        assert not method.start_epoch(1, 3)
        assert method.phase == "guided"
        terms = method.step(batch)
        assert set(terms) == {"classification", *REGULARISATION, "guidance", "total"}
        assert set(method.networks) == {"classifier"}
        mask = method.used_masks(batch)
        assert mask.shape == (8, SIZE, SIZE)
        assert 0 <= mask.min() < mask.max() <= 1
        assert method.settings.given_masks is None

    @pytest.mark.parametrize("masker", ["ground_truth", "sam"])
    def test_given_masks_guide_the_images_that_have_one(self, build, given, masker):
        method = build(masker)
        assert method.settings.given_masks == masker
        method.start_epoch(1, 3)
        method.generator.manual_seed(1)
        features, *_ = mixed_forward(method, given, seed=1)
        explanation, _ = numpy_maps_and_logits(method.classifier, features, given.labels.repeat(2))
        known = [0, 1, 3, 4, 6, 7]
        q = np.clip(numpy_scaled(np.maximum(explanation[known], 0)), 1e-3, 1 - 1e-3)
        t = nn.functional.adaptive_avg_pool2d(given.given_masks[known], q.shape[1:]).squeeze(1).double().numpy()
        expected = -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean()
        assert method.step(given)["guidance"].item() == pytest.approx(expected, rel=1e-4)

    def test_a_given_mask_is_known_or_not(self, build, given):
        method = build("ground_truth")
        mask = method.used_masks(given)
        assert torch.equal(mask.isnan().all((1, 2)).nonzero().flatten(), torch.tensor([2, 5]))
        features = method.classifier.features(given.images)
        method.phase = "guided"
        watched = method.diagnose(given, features)
        assert watched["validation_mask_area"][[0, 1, 3, 4, 6, 7]].tolist() == [0.5] * 6
        assert all(values[[2, 5]].isnan().all() for values in watched.values())

    def test_images_without_masks_are_not_guided(self, build, batch):
        method = build("sam")
        unknown = batch._replace(given_masks=torch.full((8, 1, SIZE, SIZE), torch.nan))
        method.start_epoch(1, 3)
        terms = method.step(unknown)
        assert terms["guidance"] == 0
        assert terms["total"].isfinite()
        assert all(weight.isfinite().all() for weight in method.classifier.parameters())


class TestAttributionInTheLoop:
    @pytest.fixture(autouse=True)
    def in_double_precision(self):
        torch.set_default_dtype(torch.float64)
        yield
        torch.set_default_dtype(torch.float32)

    @pytest.fixture
    def build(self, generator):
        """A method whose classifier is in evaluation mode: its loss is a function of the weights alone."""

        def build(attribution):
            classifier = build_classifier(SMALL, 3, generator).eval()
            method = ALIGN(classifier, ALIGNSettings(attribution=attribution, masker="centre"), TRAINING, generator)
            method.phase = "guided"
            return method

        return build

    @pytest.fixture
    def batch(self, generator):
        return Batch(torch.randn(3, 3, 16, 16, generator=generator), torch.tensor([0, 1, 2]))

    @pytest.mark.parametrize("attribution", ["hires_cam", "layer_cam", "input_gradient", "integrated_gradients"])
    def test_the_guidance_reaches_the_weights(self, build, batch, attribution):
        method = build(attribution)

        def guidance():
            method.masker_step(batch)
            return method.losses(batch)["guidance"]

        weight = method.classifier.backbone.conv1.weight
        (slope,) = torch.autograd.grad(guidance(), weight)
        place = np.unravel_index(int(slope.abs().argmax()), slope.shape)
        losses = []
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                weight[place] += step
            losses.append(guidance().item())
        assert slope[place].item() == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-3)

    def test_what_is_guided_is_the_attribution(self, build, batch):
        by = {name: build(name) for name in ("grad_cam", "hires_cam", "layer_cam", "input_gradient")}
        guidance = {}
        for name, method in by.items():
            method.classifier.load_state_dict(by["grad_cam"].classifier.state_dict())
            method.masker_step(batch)
            guidance[name] = method.losses(batch)["guidance"].item()
        assert guidance["grad_cam"] == pytest.approx(guidance["hires_cam"])  # one map, after average pooling and a linear head
        assert len({round(value, 6) for value in guidance.values()}) == 3
