import copy

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from method_terms import (
    SIZE,
    TRAINING,
    as_numpy,
    count_calls,
    generator_of,
    mixed_forward,
    numpy_cross_entropy,
    numpy_dre_terms,
    numpy_maps_and_logits,
    state_of,
    unchanged,
    view_forward,
)
from scipy.special import log_softmax
from scipy.stats import beta as beta_distribution
from scipy.stats import entropy, kstest
from torch import nn

from align.methods import METHODS
from align.methods.align import ALIGN
from align.methods.attribution_mixup import class_mean, mix, mixing_ratios, mixture_distances, same_class_partners
from align.methods.base import minimise, weighted_sum
from align.methods.dre import DRE, map_norms
from align.methods.erm import ERM
from align.methods.settings import DRESettings, MethodSettings, SGTSettings
from align.methods.sgt import SGT, divergence, lowest_fraction, replace_least_salient
from align.models.modes import frozen
from align.registry import load

AFTER_THE_WARM_UP = {"guidance", "swap_consistency", "swap_classification"}


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
        terms = method.step(batch._replace(given_masks=torch.rand((len(batch.labels), 1, SIZE, SIZE))))
        weighed = {term for term, weight in method.weights.items() if weight}
        assert set(terms) == {*weighed, "total"} - (AFTER_THE_WARM_UP if isinstance(method, ALIGN) else set())
        expected = sum(method.weights[term] * value for term, value in terms.items() if term != "total")
        torch.testing.assert_close(terms["total"], expected)
        assert not any(value.requires_grad for value in terms.values())
        assert not unchanged(classifier, before)


def test_erm_is_the_cross_entropy(classifier, batch, generator):
    method = ERM(classifier, MethodSettings(), TRAINING, generator)
    (logits,) = as_numpy(copy.deepcopy(classifier)(batch.images))
    assert method.losses(batch)["classification"].item() == pytest.approx(numpy_cross_entropy(logits, batch.labels), rel=1e-5)


def replaced(method, batch):
    """Return the images of a batch with noise where SGT puts it."""
    fraction = method.settings.masked_fraction
    return replace_least_salient(method.classifier, batch.images, batch.labels, fraction, method.generator)


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
        assert torch.equal(lowest_fraction(maps, 0.5), expected)
        assert lowest_fraction(maps, 0.9).sum((1, 2)).tolist() == [3, 3]
        assert lowest_fraction(maps, 0.2).sum().item() == 0

    def test_only_the_pixels_of_lowest_gradient_become_noise(self, method, classifier, batch):
        reference = copy.deepcopy(classifier).eval()
        images = batch.images.clone().requires_grad_()
        reference(images)[torch.arange(8), batch.labels].sum().backward()
        gradient = images.grad.mean(1).flatten(1).numpy()
        expected = np.zeros(gradient.shape, dtype=bool)
        np.put_along_axis(expected, gradient.argsort(axis=1)[:, : int(0.3 * SIZE * SIZE)], True, axis=1)

        noisy = replaced(method, batch)
        changed = (noisy != batch.images).flatten(2).numpy()
        for channel in range(3):
            np.testing.assert_array_equal(changed[:, channel], expected)
        assert not noisy.requires_grad

    def test_noise_is_uniform_between_the_extremes_of_each_channel(self, method, batch):
        noisy = replaced(method, batch)
        low, high = batch.images.amin((2, 3), keepdim=True), batch.images.amax((2, 3), keepdim=True)
        places = ((noisy - low) / (high - low))[noisy != batch.images]
        assert kstest(places.numpy(), "uniform").pvalue > 1e-3

    def test_the_look_leaves_no_trace_in_the_classifier(self, method, classifier, batch):
        before = state_of(classifier)
        replaced(method, batch)
        assert classifier.training
        assert unchanged(classifier, before)
        assert all(weight.requires_grad and weight.grad is None for weight in classifier.parameters())

    @pytest.mark.parametrize(("passes", "sizes"), [("separate", [8, 8, 8]), ("shared", [8, 16])])
    def test_losses(self, classifier, batch, generator, passes, sizes):
        method = SGT(classifier, SGTSettings(masked_fraction=0.3, forward_passes=passes), TRAINING, generator)
        method.generator.manual_seed(4)
        noisy = replaced(method, batch)
        features = view_forward(classifier, (batch.images, noisy), passes)
        clean_logits, noisy_logits = as_numpy(*classifier.classify(features).chunk(2))
        p, q = (np.exp(log_softmax(logits, axis=1)) for logits in (clean_logits, noisy_logits))
        method.generator.manual_seed(4)
        calls = count_calls(classifier.backbone, [])
        terms = method.losses(batch)
        assert terms["classification"].item() == pytest.approx(numpy_cross_entropy(clean_logits, batch.labels), rel=1e-5)
        assert terms["consistency"].item() == pytest.approx(entropy(p, q, axis=1).mean(), rel=1e-4)
        assert calls == sizes  # the first is the gradient's


class TestAttributionMixup:
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

    def test_mixture_distances_by_hand(self):
        maps = torch.tensor([[[0.0, 1.0]], [[1.0, 0.0]]])
        mixed_maps = torch.tensor([[[0.5, 0.5]], [[1.0, 0.25]]])
        # Expected maps: 0.75·(0, 1) + 0.25·(1, 0) = (0.25, 0.75), and (1, 0) itself.
        found = mixture_distances(maps, mixed_maps, torch.tensor([1, 0]), torch.tensor([0.75, 1.0]))
        assert found.tolist() == pytest.approx([0.25, 0.125])

    def test_class_mean_by_hand(self):
        values = torch.tensor([1.0, 2.0, 3.0, 10.0])
        assert class_mean(values, torch.tensor([0, 0, 0, 2]), 4).item() == pytest.approx((2 + 10) / 4)  # classes 1, 3 have none


class TestDRE:
    @pytest.mark.parametrize(("norm", "expected"), [("mean", [10 / 4, 7 / 4]), ("authors", [(3 + 4) / 2, (5 + 2) / 2])])
    def test_map_norms_by_hand(self, norm, expected):
        maps = torch.tensor([[[1.0, -2.0], [3.0, 4.0]], [[0.0, 0.0], [5.0, -2.0]]])
        assert map_norms(maps, norm).tolist() == expected

    def test_the_authors_norm_is_the_matrix_norm_of_their_code(self, generator):
        maps = torch.rand(5, 3, 4, generator=generator)
        theirs = torch.linalg.norm(maps[:, None], ord=1, dim=(1, 2)).mean(1)  # of N×1×h×w, over channels and rows
        torch.testing.assert_close(map_norms(maps, "authors"), theirs)

    @pytest.mark.parametrize("norm", ["mean", "authors"])
    @pytest.mark.parametrize(("passes", "sizes"), [("separate", [8, 8]), ("shared", [16])])
    @pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2, 0, 1], [2, 0, 0, 0, 0, 0, 0, 2]])
    def test_losses_equal_an_independent_computation(self, norm, passes, sizes, labels, classifier, batch, generator):
        batch = batch._replace(labels=torch.tensor(labels))
        method = DRE(classifier, DRESettings(sparsity_norm=norm, forward_passes=passes), TRAINING, generator)
        features, partners, ratios = mixed_forward(method, batch, seed=7)
        maps, logits = numpy_maps_and_logits(classifier, features, batch.labels.repeat(2))
        terms = numpy_dre_terms(method.settings, maps[:8], maps[8:], logits[8:], batch.labels, partners, ratios)
        expected = {"classification": numpy_cross_entropy(logits[:8], batch.labels)} | terms
        method.generator.manual_seed(7)
        calls = count_calls(classifier.backbone, [])
        found = method.losses(batch)
        assert {name: term.item() for name, term in found.items()} == pytest.approx(expected, rel=1e-4)
        assert calls == sizes
        assert method.weights == {"classification": 1, "consistency": 1, "sparsity": 0.5, "mixed_classification": 0.1}

    @pytest.mark.parametrize(
        ("setting", "initial_weights", "freezes"),
        [("auto", None, False), ("auto", "a file", True), ("frozen", None, True), ("trained", "a file", False)],
    )
    def test_statistics_of_batch_normalisation(self, setting, initial_weights, freezes, classifier, batch, generator):
        classifier.initial_weights = initial_weights
        method = DRE(classifier, DRESettings(batch_norm=setting), TRAINING, generator)
        method.generator.manual_seed(7)
        expected = DRE(copy.deepcopy(classifier).train(not freezes), DRESettings(), TRAINING, generator_of(7)).losses(batch)
        before = state_of(classifier)
        terms = method.step(batch)
        assert terms["classification"].item() == expected["classification"].item()
        changed = {name for name, tensor in classifier.state_dict().items() if not torch.equal(tensor, before[name])}
        assert any(name.endswith("running_mean") for name in changed) is not freezes
        assert {name for name, _ in classifier.named_parameters()} <= changed  # its weights train in either case
        assert all(module.training for module in classifier.modules())

    def test_consistency_sends_gradients_through_both_maps(self, classifier, batch, generator, monkeypatch):
        method = DRE(classifier, DRESettings(), TRAINING, generator)
        held = []

        def features(images):
            held.append(classifier.backbone(images))
            held[-1].retain_grad()
            return held[-1]

        monkeypatch.setattr(classifier, "features", features)
        method.losses(batch)["consistency"].backward()
        clean, mixed = held
        assert clean.grad.norm() > 0
        assert mixed.grad.norm() > 0

    @pytest.mark.parametrize("detach_weights", [True, False])
    def test_detached_weights_take_the_maps_gradient_off_the_head(self, detach_weights, classifier, batch, generator):
        method = DRE(classifier, DRESettings(detach_weights=detach_weights), TRAINING, generator)
        method.losses(batch)["consistency"].backward()
        assert (classifier.head.weight.grad is None) is detach_weights
