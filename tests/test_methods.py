import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax
from scipy.stats import beta as beta_distribution
from scipy.stats import entropy, kstest
from torch import nn

from align.configuration.schema import Classifier as ClassifierSettings
from align.configuration.schema import Training
from align.methods import METHODS
from align.methods.align import ALIGN, distinction_loss, guidance_loss, total_variation
from align.methods.attribution_mixup import mix, mixing_ratios, mixture_distance, same_class_partners
from align.methods.base import Batch, minimise, weighted_sum
from align.methods.dre import DRE, map_norm
from align.methods.erm import ERM
from align.methods.freezing import frozen
from align.methods.settings import ALIGNSettings, DRESettings, MethodSettings, SGTSettings
from align.methods.sgt import SGT, divergence, lowest
from align.models.classifier import build_classifier
from align.registry import load

SMALL = ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 8))
TRAINING = Training(learning_rate=1e-2)
SIZE = 24


@pytest.fixture
def classifier(generator):
    return build_classifier(SMALL, 3, generator)


@pytest.fixture
def batch(generator):
    return Batch(torch.randn(8, 3, SIZE, SIZE, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]))


def generator_of(seed):
    return torch.Generator().manual_seed(seed)


def state_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def unchanged(network, before):
    return all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def count_calls(module, counted):
    module.register_forward_hook(lambda module, arguments, output: counted.append(len(output)))
    return counted


# What an independent computation of the terms needs, in numpy.


def as_numpy(*tensors):
    return [tensor.detach().double().numpy() for tensor in tensors]


def numpy_cross_entropy(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


def numpy_scaled(maps):
    flat = maps.reshape(len(maps), -1)
    low, high = flat.min(1)[:, None, None], flat.max(1)[:, None, None]
    return (maps - low) / np.where(high > low, high - low, 1)


def numpy_maps_and_logits(classifier, features, labels):
    """Class activation maps and logits of feature maps, from the head's weights."""
    (features, weight, bias), labels = as_numpy(features, classifier.head.weight, classifier.head.bias), labels.numpy()
    maps = (weight[labels][:, :, None, None] * features).sum(1) / features[0, 0].size
    return maps, features.mean((2, 3)) @ weight.T + bias


def mixed_forward(method, batch, seed):
    """Features of clean and mixed images, partners and ratios, from the generator's state at ``seed``."""
    drawn = generator_of(seed)
    partners = same_class_partners(batch.labels, drawn)
    ratios = mixing_ratios(len(batch.labels), method.settings.beta, drawn)
    share = ratios[:, None, None, None]
    mixed = share * batch.images + (1 - share) * batch.images[partners]
    with torch.no_grad():
        features = copy.deepcopy(method.classifier).features(torch.cat((batch.images, mixed)))
    return features, partners.numpy(), as_numpy(ratios)[0][:, None, None]


class TestBase:
    def test_weighted_sum(self):
        terms = {"first": torch.tensor(2.0), "second": torch.tensor(-3.0)}
        assert weighted_sum(terms, {"second": 0.5, "first": 4.0, "unused": 9.0}).item() == 6.5

    def test_minimise_takes_one_step_down_the_gradient(self):
        weight = nn.Parameter(torch.tensor([3.0]))
        weight.grad = torch.tensor([100.0])  # what an earlier step left
        minimise((weight**2).sum(), torch.optim.SGD([weight], lr=0.25))
        assert weight.item() == 3 - 0.25 * 6

    def test_frozen_restores_what_it_found(self, classifier, batch):
        for training in (True, False):
            classifier.train(training)
            before = state_of(classifier)
            with pytest.raises(ZeroDivisionError), frozen(classifier):
                assert not classifier.training
                assert not any(weight.requires_grad for weight in classifier.parameters())
                classifier(batch.images)
                raise ZeroDivisionError
            assert classifier.training is training
            assert all(weight.requires_grad for weight in classifier.parameters())
            assert unchanged(classifier, before)

    @pytest.mark.parametrize("name", METHODS)
    def test_every_step_reports_finite_named_terms_and_their_weighted_sum(self, name, classifier, batch, generator):
        method = load(METHODS[name].implementation)(classifier, METHODS[name].settings(), TRAINING, generator)
        before = state_of(classifier)
        terms = method.step(batch)
        assert set(terms) == {*method.weights, "total"} - ({"guidance"} if name == "align" else set())
        expected = sum(method.weights[term] * value for term, value in terms.items() if term != "total")
        torch.testing.assert_close(terms["total"], expected)
        assert not any(value.requires_grad for value in terms.values())
        assert not unchanged(classifier, before)


def test_erm_is_the_cross_entropy(classifier, batch, generator):
    method = ERM(classifier, MethodSettings(), TRAINING, generator)
    (logits,) = as_numpy(copy.deepcopy(classifier)(batch.images))
    assert method.losses(batch)["classification"].item() == pytest.approx(numpy_cross_entropy(logits, batch.labels), rel=1e-5)


class TestSGT:
    @pytest.fixture
    def method(self, classifier, generator):
        return SGT(classifier, SGTSettings(masked_fraction=0.3), TRAINING, generator)

    def test_divergence_is_kullback_and_leiblers(self, generator):
        first, second = torch.randn(2, 5, 4, generator=generator)
        p, q = as_numpy(first.softmax(1), second.softmax(1))
        assert divergence(first, second).item() == pytest.approx(entropy(p, q, axis=1).mean(), rel=1e-5)
        assert divergence(first, first).item() == pytest.approx(0, abs=1e-7)

    def test_divergence_by_hand(self):
        p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.8, 0.2]])
        assert divergence(p.log(), q.log()).item() == pytest.approx(np.log(1.25))  # (ln 5/8 + ln 5/2) / 2

    def test_divergence_sends_gradients_through_both_outputs(self, generator):
        first, second = (torch.randn(2, 3, generator=generator, requires_grad=True) for _ in range(2))
        divergence(first, second).backward()
        p, q = second.softmax(1), first.softmax(1)
        torch.testing.assert_close(second.grad, (p - q) / 2)
        assert first.grad is not None
        assert first.grad.abs().min() > 0

    def test_lowest_by_hand(self):
        maps = torch.tensor([[[1.0, -5.0], [3.0, 0.0]], [[9.0, 8.0], [7.0, 6.0]]])
        expected = torch.tensor([[[False, True], [False, True]], [[False, False], [True, True]]])
        assert torch.equal(lowest(maps, 0.5), expected)
        assert lowest(maps, 0.9).sum((1, 2)).tolist() == [3, 3]
        assert lowest(maps, 0.2).sum().item() == 0

    def test_only_the_pixels_of_lowest_gradient_become_noise(self, method, classifier, batch):
        reference = copy.deepcopy(classifier).eval()
        images = batch.images.clone().requires_grad_()
        reference(images)[torch.arange(8), batch.labels].sum().backward()
        gradient = images.grad.mean(1).flatten(1).numpy()
        expected = np.zeros(gradient.shape, dtype=bool)
        np.put_along_axis(expected, gradient.argsort(axis=1)[:, : int(0.3 * SIZE * SIZE)], True, axis=1)

        noisy = method.replace_least_salient(batch.images, batch.labels)
        changed = (noisy != batch.images).flatten(2).numpy()
        for channel in range(3):
            np.testing.assert_array_equal(changed[:, channel], expected)
        assert not noisy.requires_grad

    def test_noise_is_uniform_between_the_extremes_of_each_channel(self, method, batch):
        noisy = method.replace_least_salient(batch.images, batch.labels)
        low, high = batch.images.amin((2, 3), keepdim=True), batch.images.amax((2, 3), keepdim=True)
        places = ((noisy - low) / (high - low))[noisy != batch.images]
        assert kstest(places.numpy(), "uniform").pvalue > 1e-3

    def test_the_look_leaves_no_trace_in_the_classifier(self, method, classifier, batch):
        before = state_of(classifier)
        method.replace_least_salient(batch.images, batch.labels)
        assert classifier.training
        assert unchanged(classifier, before)
        assert all(weight.requires_grad and weight.grad is None for weight in classifier.parameters())

    def test_losses(self, method, classifier, batch):
        method.generator.manual_seed(4)
        noisy = method.replace_least_salient(batch.images, batch.labels)
        clean_logits, noisy_logits = as_numpy(*copy.deepcopy(classifier)(torch.cat((batch.images, noisy))).chunk(2))
        p, q = (np.exp(log_softmax(logits, axis=1)) for logits in (clean_logits, noisy_logits))
        method.generator.manual_seed(4)
        calls = count_calls(classifier.backbone, [])
        terms = method.losses(batch)
        assert terms["classification"].item() == pytest.approx(numpy_cross_entropy(clean_logits, batch.labels), rel=1e-5)
        assert terms["consistency"].item() == pytest.approx(entropy(p, q, axis=1).mean(), rel=1e-4)
        assert calls == [8, 16]  # the gradient's forward, then clean and noisy images in one


class TestAttributionMixup:
    @settings(deadline=None)
    @given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 2**32))
    def test_partners_are_a_permutation_within_classes(self, labels, seed):
        labels = torch.tensor(labels)
        partners = same_class_partners(labels, generator_of(seed))
        assert sorted(partners.tolist()) == list(range(len(labels)))
        assert torch.equal(labels[partners], labels)

    def test_every_permutation_within_a_class_is_as_likely(self, generator):
        draws = [tuple(same_class_partners(torch.tensor([1, 0, 1, 1]), generator).tolist()) for _ in range(1200)]
        counts = {draw: draws.count(draw) for draw in set(draws)}
        assert len(counts) == 6
        assert all(150 < count < 250 for count in counts.values())

    @pytest.mark.parametrize("beta", [0.2, 1.0, 3.0])
    def test_ratios_follow_the_beta_distribution(self, beta, generator):
        ratios = mixing_ratios(4000, beta, generator)
        assert ratios.shape == (4000,)
        assert kstest(ratios.numpy(), beta_distribution(beta, beta).cdf).pvalue > 1e-3

    def test_mix_by_hand(self):
        values, partners, ratios = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([2, 1, 0]), torch.tensor([0.25, 0.7, 1.0])
        torch.testing.assert_close(mix(values, partners, ratios), torch.tensor([[4.0], [3.0], [5.0]]))

    def test_mixture_distance_by_hand(self):
        maps = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])
        mixed_maps = torch.tensor([[[0.5, 0.5]], [[1.0, 0.25]]])
        # Expected maps: 0.75·(0, 1) + 0.25·(1, 0) = (0.25, 0.75), and (1, 0) itself.
        found = mixture_distance(maps, mixed_maps, torch.tensor([1, 0]), torch.tensor([0.75, 1.0]))
        assert found.item() == pytest.approx((0.25 + 0.25 + 0 + 0.25) / 4)


class TestDRE:
    @pytest.mark.parametrize(("norm", "expected"), [("mean", 17 / 8), ("authors", (2 + 4 + 0 + 5) / 4)])
    def test_map_norm_by_hand(self, norm, expected):
        maps = torch.tensor([[[1.0, -2.0], [3.0, 4.0]], [[0.0, 0.0], [5.0, -2.0]]])
        assert map_norm(maps, norm).item() == expected

    @pytest.mark.parametrize("norm", ["mean", "authors"])
    def test_losses_equal_an_independent_computation(self, norm, classifier, batch, generator):
        method = DRE(classifier, DRESettings(sparsity_norm=norm), TRAINING, generator)
        features, partners, ratios = mixed_forward(method, batch, seed=7)
        maps, logits = numpy_maps_and_logits(classifier, features, batch.labels.repeat(2))
        (maps, mixed_maps), (logits, mixed_logits) = np.split(numpy_scaled(maps), 2), np.split(logits, 2)
        expected = {
            "classification": numpy_cross_entropy(logits, batch.labels),
            "consistency": np.abs(mixed_maps - (ratios * maps + (1 - ratios) * maps[partners])).mean(),
            "sparsity": maps.mean() if norm == "mean" else maps.max(2).mean(),
            "mixed_classification": numpy_cross_entropy(mixed_logits, batch.labels),
        }
        method.generator.manual_seed(7)
        calls = count_calls(classifier.backbone, [])
        terms = method.losses(batch)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
        assert calls == [16]
        assert method.weights == {"classification": 1, "consistency": 1, "sparsity": 0.5, "mixed_classification": 0.1}

    def test_consistency_sends_gradients_through_both_maps(self, classifier, batch, generator, monkeypatch):
        method = DRE(classifier, DRESettings(), TRAINING, generator)
        held = []

        def features(images):
            held.append(classifier.backbone(images))
            held[0].retain_grad()
            return held[0]

        monkeypatch.setattr(classifier, "features", features)
        method.losses(batch)["consistency"].backward()
        clean, mixed = held[0].grad.chunk(2)
        assert clean.norm() > 0
        assert mixed.norm() > 0

    @pytest.mark.parametrize("detach_weights", [True, False])
    def test_detached_weights_take_the_maps_gradient_off_the_head(self, detach_weights, classifier, batch, generator):
        method = DRE(classifier, DRESettings(detach_weights=detach_weights), TRAINING, generator)
        method.losses(batch)["consistency"].backward()
        assert (classifier.head.weight.grad is None) is detach_weights


class ConstantMasker(nn.Module):
    """Gives every pixel the same relevance, whatever it is trained to do."""

    def __init__(self, value):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, images, classifier):
        return self.value.expand(len(images), 1, *images.shape[-2:])


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
        classifier, masker = state_of(method.classifier), state_of(method.masker)
        method.masker_step(batch)
        assert unchanged(method.classifier, classifier)
        assert all(weight.grad is None and weight.requires_grad for weight in method.classifier.parameters())
        assert method.classifier.training
        assert not any(torch.equal(weight, masker[name]) for name, weight in method.masker.named_parameters())

    def test_a_classifier_step_changes_the_classifier_only(self, build, batch, monkeypatch):
        method = build()
        method.phase = "guided"
        monkeypatch.setattr(method, "masker_step", lambda batch: {})
        method.guidance_mask = torch.rand(8, 1, SIZE, SIZE)
        classifier, masker = state_of(method.classifier), state_of(method.masker)
        assert "guidance" in method.step(batch)
        assert unchanged(method.masker, masker)
        assert all(weight.grad is None for weight in method.masker.parameters())
        assert not any(torch.equal(weight, classifier[name]) for name, weight in method.classifier.named_parameters())

    def test_masker_terms_equal_an_independent_computation(self, build, batch):
        method = build(lambda1=3.0, lambda2=0.7)
        with torch.no_grad():
            mask = copy.deepcopy(method.masker)(batch.images, method.classifier)
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
        terms = method.masker_step(batch)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected | {"mask_total": total}, rel=1e-4)
        assert torch.equal(method.guidance_mask, mask)

    def test_classifier_terms_equal_an_independent_computation(self, build, batch):
        method = build(lambda3=0.3, lambda4=2.0)
        method.phase = "guided"
        method.guidance_mask = torch.rand(8, 1, SIZE, SIZE)
        features, partners, ratios = mixed_forward(method, batch, seed=5)
        maps, logits = numpy_maps_and_logits(method.classifier, features, batch.labels.repeat(2))
        g, mixed_g = np.split(numpy_scaled(maps), 2)
        t = nn.functional.adaptive_avg_pool2d(method.guidance_mask, maps.shape[1:]).squeeze(1).double().numpy()
        q = np.clip(numpy_scaled(np.maximum(maps[:8], 0)), 1e-3, 1 - 1e-3)
        expected = {
            "classification": numpy_cross_entropy(logits[:8], batch.labels),
            "regularisation": np.abs(mixed_g - (ratios * g + (1 - ratios) * g[partners])).mean(),
            "guidance": -(t * np.log(q) + (1 - t) * np.log(1 - q)).mean(),
        }
        method.generator.manual_seed(5)
        calls = count_calls(method.classifier.backbone, [])
        terms = method.losses(batch)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-4)
        assert calls == [16]
        assert method.weights == {"classification": 1.0, "guidance": 0.3, "regularisation": 2.0}

    def test_a_guided_step_computes_its_masks_once(self, build, batch):
        method = build()
        method.phase = "guided"
        masks, forwards = count_calls(method.masker, []), count_calls(method.classifier.backbone, [])
        assert set(method.step(batch)) == {
            *("classification", "guidance", "regularisation", "total"),
            *("mask_distinction", "mask_sparsity", "mask_smoothness", "mask_total"),
        }
        assert masks == [8]
        assert forwards == [16, 16]  # with and without the mask; clean and mixed

    def test_the_warm_up_has_no_guidance_and_no_masker(self, build, batch):
        method = build()
        before = state_of(method.masker)
        assert set(method.step(batch)) == {"classification", "regularisation", "total"}
        assert unchanged(method.masker, before)

    def test_lambda3_zero_is_unguided(self, build, batch):
        def gradients(method, phase):
            method.phase, method.guidance_mask = phase, torch.rand(8, 1, SIZE, SIZE)
            method.generator.manual_seed(2)
            total = weighted_sum(method.losses(batch), method.weights)
            return torch.autograd.grad(total, list(method.classifier.parameters()))

        unguided = gradients(build(lambda3=0.0), "warm_up")
        for guided, expected in zip(gradients(build(lambda3=0.0), "guided"), unguided):
            torch.testing.assert_close(guided, expected, rtol=1e-5, atol=1e-7)
        assert any(not torch.allclose(guided, expected) for guided, expected in zip(gradients(build(), "guided"), unguided))

    @pytest.mark.parametrize(
        ("warm_up", "epochs", "first_guided"), [(0.0, 3, 1), (0.4, 10, 5), (0.5, 3, 3), (0.9, 4, None), (1.0, 4, None)]
    )
    def test_phases(self, build, batch, warm_up, epochs, first_guided):
        method = build(warm_up=warm_up, masker_steps=2, masker_steps_at_most=2)
        steps, phases = [], []
        for epoch in range(1, epochs + 1):
            steps.append(len(method.start_epoch(epoch, epochs, lambda: iter([batch]))))
            phases.append(method.phase)
        warm = epochs if first_guided is None else first_guided - 1
        assert phases == ["warm_up"] * warm + ["guided"] * (epochs - warm)
        assert steps == [2 if epoch == first_guided else 0 for epoch in range(1, epochs + 1)]

    @pytest.mark.parametrize(("mean", "steps"), [(0.5, 5), (0.96, 12), (0.01, 12)])
    def test_the_masker_trains_alone_while_its_mask_is_collapsed(self, build, batch, mean, steps):
        method = build(warm_up=0.0, masker_steps=5, masker_steps_at_most=12)
        method.masker = ConstantMasker(mean)
        method.masker_optimiser = torch.optim.SGD(method.masker.parameters(), lr=1e-9)
        passes = []

        def batches():
            passes.append(1)
            return iter([batch, batch])

        before = state_of(method.classifier)
        taken = method.start_epoch(1, 4, batches)
        assert [step["mask_sparsity"].item() for step in taken] == pytest.approx([mean] * steps, abs=1e-6)
        assert len(passes) == -(-(steps + 1) // 2)
        assert unchanged(method.classifier, before)

    def test_a_mask_that_recovers_ends_the_masker_steps(self, build, batch):
        method = build(warm_up=0.0, masker_steps=3, masker_steps_at_most=50)
        areas = iter([0.99, 0.98, 0.97, 0.96, 0.9, 0.5])
        method.masker_step = lambda batch: {"mask_sparsity": torch.tensor(next(areas))}
        assert len(method.start_epoch(1, 1, lambda: iter([batch]))) == 5

    def test_no_masker_steps(self, build, batch):
        method = build(warm_up=0.0, masker_steps=0, masker_steps_at_most=0)
        assert method.start_epoch(1, 1, lambda: iter([batch])) == []
        assert method.phase == "guided"

    def test_mask_changes_nothing_and_sees_no_other_image(self, build, batch):
        method = build()
        classifier, masker = state_of(method.classifier), state_of(method.masker)
        masks = method.mask(batch)
        assert masks.shape == (8, SIZE, SIZE)
        torch.testing.assert_close(
            method.mask(Batch(batch.images[:2], batch.labels[:2])), masks[:2]
        )  # evaluation mode: no batch statistics
        assert unchanged(method.classifier, classifier)
        assert unchanged(method.masker, masker)
        assert method.masker.training

    def test_diagnosis_by_hand(self, build):
        method = build()
        # A head of ones and non-negative features: Grad-CAM is their mean; the mask is the left half of the image.
        features = torch.zeros(2, 8, 2, 2)
        features[0, :, :, 0], features[0, :, :, 1] = 3.0, 1.0
        features[1, :, 0, 1] = 5.0
        nn.init.ones_(method.classifier.head.weight)
        mask = torch.zeros(2, 4, 4)
        mask[..., :2] = 1.0
        method.mask = lambda images: mask
        method.classifier.features = lambda images: features
        found = method.diagnose(Batch(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1])))
        assert found["validation_mask_area"].tolist() == [0.5, 0.5]
        assert found["validation_energy_outside"].tolist() == pytest.approx([0.25, 1.0])

    def test_a_checkpoint_holds_both_networks(self, build):
        method = build()
        assert method.networks == {"classifier": method.classifier, "masker": method.masker}

    def test_training_alone_moves_the_mask_towards_less_area(self, build, batch):
        method = build(lambda1=20.0, lambda2=0.0, masker_learning_rate=0.05)
        areas = [method.masker_step(batch)["mask_sparsity"].item() for _ in range(15)]
        assert areas[-1] < 0.5 * areas[0]
