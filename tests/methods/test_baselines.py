"""The baselines that are not ALIGN's relatives: each term against an independent computation, in numpy and by hand."""

import copy

import numpy as np
import pytest
import torch
from method_terms import SIZE, TRAINING, as_numpy, count_calls, generator_of, view_forward
from scipy.special import log_softmax, softmax
from torch import nn
from torchvision.transforms.functional import resized_crop

from align.augmentation.geometry import draw_crops
from align.augmentation.settings import AugmentationSettings
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION
from align.imaging.normalisation import normalise
from align.methods import DEFAULT_METHODS, METHODS
from align.methods.attribution_mixup import mixing_ratios
from align.methods.base import Batch, weighted_sum
from align.methods.cgc import CGC, CROP_RATIO, contrast
from align.methods.group_dro import GroupDRO
from align.methods.irm import IRM, scale_slopes, squared_means
from align.methods.mixup import Mixup
from align.methods.rsc import RSC, largest_share
from align.methods.settings import CGCSettings, GroupDROSettings, IRMSettings, MixupSettings, RSCSettings
from align.methods.source_domains import domain_membership
from align.models.classifier import build_classifier
from align.models.settings import ClassifierSettings
from align.preparation.packed import Packed
from align.registry import load
from align.training.run import RunData, RunSettings, train_run
from align.training.settings import TrainingSettings

SMALL = ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 9))
BASELINES = ("mixup", "rsc", "cgc", "irm", "group_dro")
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
DOMAINS = torch.tensor([0, 1, 2, 2, 1, 0, 0, 1]) == torch.arange(3)[:, None]


@pytest.fixture
def classifier(generator):
    return build_classifier(SMALL, 3, generator)


@pytest.fixture
def batch(generator):
    return batch_of(torch.randn(8, 3, SIZE, SIZE, generator=generator), LABELS, DOMAINS)


def batch_of(images, labels, domains):
    return Batch(images, labels, domains=domains, plain=images.sigmoid())


def method_of(name, seed=0, **hyper_parameters):
    network = build_classifier(SMALL, 3, generator_of(seed))
    entry = METHODS[name]
    return load(entry.implementation)(network, entry.settings(**hyper_parameters), TRAINING, generator_of(seed))


def packed_images(count, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), np.uint8)
    return Packed(images, np.arange(count) % 3, [f"{number}.png" for number in range(count)], None)


def features_of(classifier, images):
    """Feature maps in training mode, which leave no trace in the classifier's batch statistics."""
    with torch.no_grad():
        return copy.deepcopy(classifier).features(images)


def features_by_domain(classifier, images):
    """Feature maps whose batch statistics are those of the image's own domain."""
    features = [features_of(classifier, images[domain]) for domain in DOMAINS]
    found = torch.empty((8, *features[0].shape[1:]))
    for domain, own in zip(DOMAINS, features):
        found[domain] = own
    return found


def numpy_logits(classifier, features):
    """Logits of feature maps, in numpy."""
    weight, bias = as_numpy(classifier.head.weight, classifier.head.bias)
    return features.mean((2, 3)) @ weight.T + bias


def numpy_cross_entropies(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels]


class TestEveryBaseline:
    @pytest.mark.parametrize("name", BASELINES)
    def test_a_step_is_given_by_the_seed_and_changes_every_weight(self, name, batch):
        states, terms = [], []
        for seed in (1, 1, 2):
            method = method_of(name)
            method.generator.manual_seed(seed)
            before = copy.deepcopy(method.classifier)
            terms.append(method.step(batch))
            states.append(list(method.classifier.parameters()))
            assert not any(torch.equal(old, new) for old, new in zip(before.parameters(), method.classifier.parameters()))
        assert terms[0] == terms[1]
        assert all(torch.equal(first, second) for first, second in zip(*states[:2]))
        if name in ("mixup", "cgc"):  # the others draw nothing
            assert terms[0] != terms[2]

    @pytest.mark.parametrize("name", BASELINES)
    @pytest.mark.parametrize(
        ("labels", "domains"),
        [
            ([0], None),  # one image
            ([0, 0, 1], None),  # one image of a class, one domain
            (
                [0, 1, 1, 2],
                [[True, False, False, False], [False] * 4, [False, True, True, True]],
            ),  # one image of a domain, and none of another
        ],
    )
    def test_gradients_of_poor_batches_are_finite(self, name, labels, domains, generator):
        images = torch.randn(len(labels), 3, SIZE, SIZE, generator=generator)
        method = method_of(name)
        batch = batch_of(images, torch.tensor(labels), None if domains is None else torch.tensor(domains))
        total = weighted_sum(method.losses(batch), method.weights)
        total.backward()
        assert total.isfinite()
        assert all(weight.grad.isfinite().all() for weight in method.classifier.parameters() if weight.grad is not None)

    @pytest.mark.parametrize("name", BASELINES)
    def test_gradients_of_flat_maps_are_finite(self, name, batch):
        method = method_of(name)
        nn.init.zeros_(method.classifier.head.weight)
        weighted_sum(method.losses(batch), method.weights).backward()
        assert all(weight.grad.isfinite().all() for weight in method.classifier.parameters())

    @pytest.mark.parametrize("name", BASELINES)
    def test_training_on_one_batch_learns_it(self, name, batch, generator):
        method = method_of(name)
        reached = []
        for _ in range(40):
            order = torch.randperm(8, generator=generator)  # as in training: IRM's halves are others in each step
            method.step(batch_of(batch.images[order], LABELS[order], DOMAINS[:, order]))
            reached.append((method.classifier(batch.images).argmax(1) == batch.labels).float().mean().item())
        assert max(reached[-5:]) > 0.8

    @pytest.mark.parametrize("name", BASELINES)
    def test_a_run_on_three_domains_is_given_by_its_seed(self, name):
        def trained(seed):
            settings = RunSettings(
                METHODS[name].implementation,
                METHODS[name].settings(**({"annealing_steps": 2} if name == "irm" else {})),
                SMALL,
                TrainingSettings(epochs=2, batch_size=6, learning_rate=1e-3),
                AugmentationSettings(),
            )
            training_split = [packed_images(count, number) for number, count in enumerate((9, 12, 6))]
            data = RunData(training_split, [packed_images(6, 3)], "abc")
            outcome, _ = train_run(settings, data, seed, torch.device("cpu"))
            return outcome.history.rows

        first = trained(0)
        assert first == trained(0)
        assert first != trained(1)

    def test_those_that_compare_domains_say_so(self):
        assert [name for name, entry in METHODS.items() if entry.settings.several_sources] == ["irm", "group_dro"]
        assert not any(METHODS[name].settings.several_sources for name in DEFAULT_METHODS)


class TestMixup:
    @pytest.mark.parametrize("passes", ["separate", "shared"])
    def test_loss_mixes_the_losses_of_both_labels(self, classifier, batch, passes):
        method = Mixup(classifier, MixupSettings(beta=0.7, forward_passes=passes), TRAINING, generator_of(3))
        drawn = generator_of(3)
        partners = torch.randperm(8, generator=drawn)
        ratios = mixing_ratios(8, 0.7, drawn)
        share = ratios[:, None, None, None]
        mixed = share * batch.images + (1 - share) * batch.images[partners]
        features = features_by_domain(classifier, mixed) if passes == "separate" else features_of(classifier, mixed)
        logits, share = numpy_logits(classifier, *as_numpy(features)), ratios.double().numpy()
        own, other = (numpy_cross_entropies(logits, labels.numpy()) for labels in (LABELS, LABELS[partners]))
        expected = (share * own + (1 - share) * other).mean()
        assert method.losses(batch)["classification"].item() == pytest.approx(expected, rel=1e-5)
        assert len(set(ratios.tolist())) == 8
        assert (LABELS[partners] != LABELS).any()


class TestRSC:
    def test_largest_by_hand(self):
        values = torch.tensor([[1.0, -5.0, 3.0, 2.0], [4.0, 4.0, 4.0, 4.0]])
        assert largest_share(values, 0.5)[0].tolist() == [False, False, True, True]
        assert largest_share(values, 0.5).sum(1).tolist() == [2, 2]  # ties do not mute more
        assert largest_share(values, 0.1).sum(1).tolist() == [1, 1]  # nothing is below the largest percentile but the largest

    @pytest.mark.parametrize("n", [2, 3, 4, 8, 9, 16, 31, 32, 36, 49, 64, 100, 128, 512, 2048])
    @pytest.mark.parametrize("share", [1 / 3, 0.2, 0.5, 0.66])
    def test_the_largest_are_those_of_domainbed_s_percentile(self, n, share, generator):
        values = torch.randn(3, n, generator=generator)
        thresholds = torch.Tensor(np.percentile(values, (1 - share) * 100, axis=1))[:, None]
        assert torch.equal(largest_share(values, share), ~values.lt(thresholds))

    def expected_mask(self, classifier, features, dominant):
        """m by definition: the dominant features of the third of the batch whose confidence drops most."""
        rows, kept = np.arange(8), 1.0 - dominant
        before, after = (softmax(numpy_logits(classifier, some), axis=1)[rows, LABELS] for some in (features, features * kept))
        affected = np.argsort(after - before)[:3]  # those at or above the percentile 200/3 of 8
        mask = np.ones_like(features)
        mask[affected] = np.broadcast_to(kept, features.shape)[affected]
        return mask

    def test_loss_mutes_the_channels_of_largest_gradient(self, classifier, batch, generator):
        method = RSC(classifier, RSCSettings(), TRAINING, generator)
        features = features_of(classifier, batch.images)
        leaf = features.clone().requires_grad_()
        classifier.classify(leaf)[torch.arange(8), LABELS].sum().backward()
        gradients, features = as_numpy(leaf.grad.mean((2, 3)), features)
        # DomainBed's rule: what is not below the percentile; 9 channels, so that a third is a whole number.
        dominant = (gradients >= np.sort(gradients, axis=1)[:, [6]])[:, :, None, None]
        mask = self.expected_mask(classifier, features, dominant)
        expected = numpy_cross_entropies(numpy_logits(classifier, features * mask), LABELS.numpy()).mean()
        assert (mask == 0).sum() == 3 * 3 * features[0, 0].size
        assert method.losses(batch)["classification"].item() == pytest.approx(expected, rel=1e-5)

    def test_positions_of_the_largest_activation_are_muted_in_half_of_the_batches(self, classifier, batch, generator):
        method = RSC(classifier, RSCSettings(muted="channels_or_positions"), TRAINING, generator)
        features = features_of(classifier, batch.images)
        (weight, numpy_features), cells = as_numpy(classifier.head.weight, features), features[0, 0].numel()
        maps = np.einsum("nc,nchw->nhw", weight[LABELS], numpy_features)
        threshold = np.sort(maps.reshape(8, -1), axis=1)[:, -((cells - 1) // 3 + 1)]
        dominant = (maps >= threshold[:, None, None])[:, None]
        expected = self.expected_mask(classifier, numpy_features, dominant)
        masks = [method.unmuted(features, LABELS) for _ in range(60)]
        by_position = [np.array_equal(mask.numpy(), expected) for mask in masks]
        assert 18 < sum(by_position) < 42
        by_channel = RSC(classifier, RSCSettings(), TRAINING, generator).unmuted(features, LABELS).expand(masks[0].shape)
        assert all(torch.equal(mask, by_channel) for mask, found in zip(masks, by_position) if not found)

    def test_the_look_costs_no_forward_pass(self, classifier, batch, generator):
        seen = count_calls(classifier.backbone, [])
        RSC(classifier, RSCSettings(), TRAINING, generator).losses(batch)
        assert seen == [8]


class TestCGC:
    def test_contrast_by_hand(self):
        # Cosines: each map with its expected one 1 and 0; the two maps with each other 0.6.
        maps = torch.tensor([[3.0, 4.0], [0.0, 2.0]]).view(2, 1, 1, 2)
        other = torch.tensor([[6.0, 8.0], [1.0, 0.0]]).view(2, 1, 1, 2)
        first, second = (-np.log(np.exp(own / 0.5) / (np.exp(own / 0.5) + np.exp(0.8 / 0.5))) for own in (1.0, 0.0))
        assert contrast(maps, other, 0.5).item() == pytest.approx((first + second) / 2, rel=1e-5)

    def test_contrast_without_other_images_or_maps_says_nothing(self):
        one = torch.rand(1, 1, 6, 6)
        assert contrast(one, torch.rand(1, 1, 6, 6), 0.5).item() == 0
        flat = torch.zeros(4, 1, 6, 6, requires_grad=True)
        loss = contrast(flat, flat, 0.5)
        loss.backward()
        assert loss.item() == pytest.approx(np.log(4))
        assert flat.grad.isfinite().all()

    @pytest.mark.parametrize("passes", ["separate", "shared"])
    def test_losses_equal_an_independent_computation(self, passes, classifier, batch):
        method = CGC(classifier, CGCSettings(temperature=0.3, forward_passes=passes), TRAINING, generator_of(6))
        drawn = generator_of(6)
        boxes = [tuple(int(value) for value in box) for box in zip(*draw_crops(8, SIZE, (0.08, 1.0), CROP_RATIO, drawn))]
        mirrored = torch.rand(8, generator=drawn) < 0.5
        assert len(set(mirrored.tolist())) == 2

        def cropped(values):
            crops = []
            for image, (left, top, width, height), mirror in zip(values, boxes, mirrored):
                crop = resized_crop(image, top, left, height, width, [SIZE, SIZE], antialias=False)
                crops.append(crop.flip(-1) if mirror else crop)
            return torch.stack(crops)

        plain = (batch.plain - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STANDARD_DEVIATION)[:, None, None]
        features = view_forward(classifier, (batch.images, plain, cropped(plain)), passes)
        (weight, numpy_features), labels = as_numpy(classifier.head.weight, features), LABELS.numpy()
        logits = numpy_logits(classifier, numpy_features)
        predicted = np.tile(logits[8:16].argmax(1), 2)
        maps = np.maximum(np.einsum("nc,nchw->nhw", weight[predicted], numpy_features[8:]), 0)
        enlarged = nn.Upsample((SIZE, SIZE), mode="bilinear")(torch.from_numpy(maps).float()[:, None])

        def unit(values):
            flat = values.double().numpy().reshape(8, -1)
            return flat / np.linalg.norm(flat, axis=1, keepdims=True)

        of_crops, of_images = unit(enlarged[8:]), unit(cropped(enlarged[:8]))
        losses = []
        for i in range(8):
            others = [np.exp(of_crops[i] @ of_crops[j] / 0.3) for j in range(8) if j != i]
            own = np.exp(of_crops[i] @ of_images[i] / 0.3)
            losses.append(-np.log(own / (own + sum(others))))
        expected = {
            "classification": numpy_cross_entropies(logits[:8], labels).mean(),
            "plain_classification": numpy_cross_entropies(logits[8:16], labels).mean(),
            "cropped_classification": numpy_cross_entropies(logits[16:], labels).mean(),
            "contrast": np.mean(losses),
        }
        found = method.losses(batch)
        assert {name: term.item() for name, term in found.items()} == pytest.approx(expected, rel=1e-4)
        crossed = {"classification": 1.0, "plain_classification": 1.0, "cropped_classification": 1.0}
        assert method.weights == {**crossed, "contrast": 0.5}

    def test_a_map_that_moves_with_its_image_is_as_near_as_can_be(self, classifier, batch):
        method = CGC(classifier, CGCSettings(smallest_crop=1.0, flip=0.0), TRAINING, generator_of(0))
        classifier.eval()  # else an image's map depends on the batch
        loss = method.losses(batch)
        features = classifier.features(normalise(batch.plain))
        maps = torch.einsum("nc,nchw->nhw", classifier.head.weight[classifier.classify(features).argmax(1)], features).relu()
        enlarged = nn.functional.interpolate(maps[:, None], (SIZE, SIZE), mode="bilinear")
        torch.testing.assert_close(loss["contrast"], contrast(enlarged, enlarged, 0.5), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(loss["plain_classification"], loss["cropped_classification"])

    def test_a_map_of_zeros_counts_as_an_even_one(self, classifier, batch):
        """As in the authors' code, which adds 1e-8 to each pixel."""
        nn.init.zeros_(classifier.head.weight)
        method = CGC(classifier, CGCSettings(), TRAINING, generator_of(0))
        maps = method.enlarged_grad_cam(classifier.features(batch.images), batch.labels, SIZE)
        assert (maps == maps[0, 0, 0, 0]).all()
        assert method.losses(batch)["contrast"].item() == pytest.approx(np.log(8), rel=1e-5)  # all are alike

    def test_contrast_sends_gradients_through_both_maps(self, generator):
        maps, expected = (torch.rand(4, 1, 6, 6, generator=generator, requires_grad=True) for _ in range(2))
        contrast(maps, expected, 0.5).backward()
        assert maps.grad.abs().amax((1, 2, 3)).min() > 0
        assert expected.grad.abs().amax((1, 2, 3)).min() > 0


def test_a_batch_without_domains_is_of_one():
    batch = Batch(torch.zeros(4, 3, 1, 1), torch.zeros(4, dtype=torch.long))
    assert domain_membership(batch).tolist() == [[True] * 4]


class TestIRM:
    @pytest.fixture
    def method(self, classifier, generator):
        return IRM(classifier, IRMSettings(annealing_steps=3), TRAINING, generator)

    def test_slopes_are_those_of_the_losses(self, generator):
        logits = 3 * torch.randn(6, 4, generator=generator)
        labels = torch.tensor([0, 1, 2, 3, 0, 1])
        (numpy_values,), step = as_numpy(logits), 1e-5
        higher, lower = (numpy_cross_entropies(scale * numpy_values, labels.numpy()) for scale in (1 + step, 1 - step))
        np.testing.assert_allclose(scale_slopes(logits, labels).numpy(), (higher - lower) / (2 * step), rtol=1e-4, atol=1e-5)

    def test_penalty_multiplies_the_gradients_of_two_halves_of_each_domain(self, method, batch):
        (features,), total = as_numpy(features_of(method.classifier, batch.images)), 0
        logits, step = numpy_logits(method.classifier, features), 1e-5
        for domain in range(3):
            (own,) = np.nonzero(DOMAINS[domain].numpy())
            slopes = []
            for half in (own[::2], own[1::2]):
                higher, lower = (
                    numpy_cross_entropies(scale * logits[half], LABELS[half].numpy()).mean() for scale in (1 + step, 1 - step)
                )
                slopes.append((higher - lower) / (2 * step))
            total += slopes[0] * slopes[1] / 3
        terms = method.losses(batch)
        assert terms["invariance"].item() == pytest.approx(total, rel=1e-4)
        assert terms["classification"].item() == pytest.approx(numpy_cross_entropies(logits, LABELS.numpy()).mean(), rel=1e-5)

    def test_penalty_vanishes_at_the_optimal_scale_and_nowhere_near(self):
        # Of three equal logits (a, 0) two are right: the optimal scale makes p = 2/3, which is a = ln 2.
        labels = torch.tensor([0, 0, 1, 0, 0, 1])

        def penalty(margin):
            logits = torch.tensor([[margin, 0.0]]).repeat(6, 1)
            slopes = scale_slopes(logits, labels)[torch.tensor([0, 3, 1, 4, 2, 5])]  # equal halves
            return squared_means(slopes, torch.ones(1, 6, dtype=torch.bool)).item()

        assert penalty(np.log(2)) == pytest.approx(0, abs=1e-12)
        assert penalty(0.5 * np.log(2)) > 1e-4
        assert penalty(2 * np.log(2)) > 1e-4

    def test_a_domain_with_one_image_is_not_penalised(self):
        values = torch.tensor([7.0, 3.0, -2.0, 5.0], requires_grad=True)
        groups = torch.tensor([[True, False, False, False], [False, True, True, True], [False] * 4])
        means = squared_means(values, groups)
        assert means.tolist() == [0, 4 * -2, 0]
        means.sum().backward()
        assert values.grad.tolist() == [0, -1, 4, -1]

    def test_the_penalty_weighs_one_until_the_annealing_ends(self, method, batch):
        weights = []
        for _ in range(5):
            weights.append(method.weights["invariance"])
            terms = method.step(batch)
            expected = terms["classification"] + weights[-1] * terms["invariance"]
            torch.testing.assert_close(terms["total"], expected)
        assert weights == [1, 1, 1, 100, 100]
        assert IRMSettings().annealing_steps == 500

    def test_the_optimiser_is_fresh_when_the_annealing_ends(self, method, batch):
        counts = []
        for _ in range(5):
            method.step(batch)
            counts.append({int(state["step"]) for state in method.optimiser.state.values()})
        assert counts == [{1}, {2}, {3}, {1}, {2}]


class TestGroupDRO:
    @pytest.fixture
    def method(self, classifier, generator):
        return GroupDRO(classifier, GroupDROSettings(step_size=0.5), TRAINING, generator)

    def domain_losses(self, method, batch):
        logits = numpy_logits(method.classifier, *as_numpy(features_by_domain(method.classifier, batch.images)))
        losses = numpy_cross_entropies(logits, batch.labels.numpy())
        return np.array([losses[batch.domains[domain].numpy()].mean() for domain in range(3)])

    def test_losses_and_weights_equal_those_of_the_algorithm(self, method, batch):
        q = np.full(3, 1 / 3)
        for _ in range(3):
            losses = self.domain_losses(method, batch)
            q *= np.exp(0.5 * losses)
            q /= q.sum()
            assert method.step(batch)["total"].item() == pytest.approx(q @ losses, rel=1e-4)
            np.testing.assert_allclose(method.domain_weights.numpy(), q, rtol=1e-4)

    def test_a_shared_pass_normalises_all_domains_together(self, classifier, batch, generator):
        method = GroupDRO(classifier, GroupDROSettings(forward_passes="shared"), TRAINING, generator)
        logits = numpy_logits(classifier, *as_numpy(features_of(classifier, batch.images)))
        losses = numpy_cross_entropies(logits, LABELS.numpy())
        by_domain = np.array([losses[domain.numpy()].mean() for domain in DOMAINS])
        loss = method.losses(batch)["classification"].item()
        assert loss == pytest.approx(method.domain_weights.double().numpy() @ by_domain, rel=1e-4)

    def test_the_worst_domain_gains_weight(self, method, batch):
        losses = self.domain_losses(method, batch)
        method.losses(batch)
        weights = method.domain_weights.numpy()
        assert weights.argsort().tolist() == losses.argsort().tolist()
        assert weights[losses.argmax()] > 1 / 3 > weights[losses.argmin()]
        assert weights.sum() == pytest.approx(1)

    def test_no_gradient_flows_through_the_weights(self, method, batch):
        method.losses(batch)
        assert not method.log_weights.requires_grad

    def test_a_missing_domain_keeps_its_evidence_and_adds_no_loss(self, method, batch):
        method.losses(batch)
        before = method.log_weights
        present = ~DOMAINS[2]
        rest = batch_of(batch.images[present], LABELS[present], DOMAINS[:, present])
        loss = method.losses(rest)["classification"]
        after = method.log_weights
        assert after[2] == before[2]
        assert (after[:2] > before[:2]).all()
        weights, losses = method.domain_weights.double().numpy(), ((after - before) / 0.5).double().numpy()
        assert loss.item() == pytest.approx(weights[:2] @ losses[:2], rel=1e-4)

    def test_one_domain_is_erm(self, method, batch):
        (features,) = as_numpy(features_of(method.classifier, batch.images))
        expected = numpy_cross_entropies(numpy_logits(method.classifier, features), LABELS.numpy()).mean()
        assert method.losses(batch._replace(domains=None))["classification"].item() == pytest.approx(expected, rel=1e-5)
