import copy

import numpy as np
import pytest
import torch
from method_terms import SIZE, as_numpy, generator_of
from scipy.ndimage import gaussian_filter1d
from scipy.special import expit, log_softmax
from torch import nn

from align.masking.compositing import composite
from align.methods.align.losses import (
    attained_fraction,
    distance_to_area,
    distinction_loss,
    even_weights,
    log_odds_loss,
    total_variation,
    weighted_mean,
)
from align.methods.align.masker import ConvolutionalMasker
from align.methods.align.masker_training import LearnedMasker
from align.methods.align.references import BLUR, REFERENCES
from align.methods.align.relaxations import RELAXATIONS
from align.methods.align.settings import ALIGNSettings
from align.methods.base import Batch


@pytest.fixture
def batch(generator):
    return Batch(torch.randn(8, 3, SIZE, SIZE, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2, 0, 0]))


class TestReference:
    def test_shown_by_hand(self):
        image, mask = torch.tensor([2.0, -4.0]).view(1, 1, 1, 2), torch.tensor([0.25, 1.0]).view(1, 1, 1, 2)
        assert composite(image, mask, None).flatten().tolist() == [0.5, -4.0]
        assert composite(image, mask, torch.full_like(image, 10.0)).flatten().tolist() == [0.25 * 2 + 0.75 * 10, -4.0]

    def test_zero_adds_nothing(self, batch, generator):
        assert REFERENCES["zero"](batch.images, batch.labels, generator) is None

    def test_blur_is_gaussian_in_the_middle(self, generator):
        images = torch.randn(1, 3, 112, 112, generator=generator, dtype=torch.float64)
        found = REFERENCES["blur"](images, torch.tensor([0]), generator).numpy()
        sigma = BLUR / 2  # at half the side
        expected = gaussian_filter1d(gaussian_filter1d(images.numpy(), sigma, axis=2, truncate=3), sigma, axis=3, truncate=3)
        middle = slice(40, 72)
        np.testing.assert_allclose(found[..., middle, middle], expected[..., middle, middle], rtol=0.05, atol=2e-3)

    def test_noise_has_each_channels_mean_and_spread_and_nothing_else(self, generator):
        images = torch.randn(2, 3, 64, 64, generator=generator) * torch.tensor([1.0, 5.0])[:, None, None, None] + 3
        noise = REFERENCES["noise"](images, torch.tensor([0, 1]), generator)
        torch.testing.assert_close(noise.mean((2, 3)), images.mean((2, 3)), rtol=0, atol=0.4)
        torch.testing.assert_close(noise.std((2, 3)), images.std((2, 3)), rtol=0.05, atol=0)
        correlation = np.corrcoef(noise[1, 0].flatten(), images[1, 0].flatten())[0, 1]
        assert abs(correlation) < 0.06

    @pytest.mark.parametrize("labels", [[0, 0, 1, 2], [2, 0, 2, 1, 2, 0], [1, 0] * 8, [0, 1, 1, 1, 0, 0, 2, 2]])
    def test_batch_gives_every_image_one_of_another_class(self, labels):
        labels = torch.tensor(labels)
        numbers = torch.arange(len(labels), dtype=torch.float32).view(-1, 1, 1, 1)
        for seed in range(20):
            others = REFERENCES["batch"](numbers, labels, generator_of(seed)).flatten().long()
            assert sorted(others.tolist()) == list(range(len(labels)))
            assert (labels[others] != labels).all()

    def test_batch_with_one_class_gives_some_permutation(self):
        numbers = torch.arange(5.0).view(-1, 1, 1, 1)
        others = REFERENCES["batch"](numbers, torch.zeros(5, dtype=torch.long), generator_of(0))
        assert sorted(others.flatten().tolist()) == list(range(5))


class TestValues:
    @pytest.fixture
    def scores(self, generator):
        return torch.randn(4, 1, 5, 6, generator=generator).requires_grad_()

    def test_soft(self, scores, generator):
        np.testing.assert_allclose(*as_numpy(RELAXATIONS["soft"](scores, generator), scores.sigmoid()))

    def test_binary_is_hard_forward_and_soft_backward(self, scores, generator):
        mask = RELAXATIONS["binary"](scores, generator)
        np.testing.assert_allclose(as_numpy(mask)[0], as_numpy(scores)[0] > 0, atol=1e-6)
        (found,) = torch.autograd.grad(mask.sum(), scores)
        s = expit(as_numpy(scores)[0])
        np.testing.assert_allclose(found, s * (1 - s), rtol=1e-5)

    def test_hardened_thresholds_each_image_at_one_random_level(self, scores):
        epsilon = as_numpy(torch.randn((4, 1, 1, 1), generator=generator_of(9)))[0]
        (found,) = as_numpy(RELAXATIONS["hardened"](scores, generator_of(9)))
        np.testing.assert_allclose(found, expit((as_numpy(scores)[0] + epsilon) / 0.25), rtol=1e-4, atol=1e-6)

    def test_a_hardened_grey_mask_keeps_or_hides_the_whole_image(self, generator):
        grey = RELAXATIONS["hardened"](torch.zeros(2000, 1, 1, 1), generator).flatten()
        assert ((grey < 0.1) | (grey > 0.9)).float().mean() > 0.55  # |ε| > 0.55: in 58 % of draws
        assert 0.45 < (grey > 0.5).float().mean() < 0.55


class TestLosses:
    def test_distinction_by_hand(self):
        assert distinction_loss(torch.tensor([1.0, 0.5]), torch.tensor([0.0, 0.75])).item() == (0 + 1.25**2) / 2

    def test_log_odds_by_hand(self):
        found = log_odds_loss(torch.tensor([0.5, 1.0]), torch.tensor([0.0, 0.75]))
        assert found.item() == pytest.approx(0.3 * (np.log(2) + np.log(4)) / 2)

    def test_log_odds_is_finite_at_its_poles(self):
        kept, removed = (torch.tensor([value], requires_grad=True) for value in (0.0, 1.0))
        loss = log_odds_loss(kept, removed)
        loss.backward()
        assert loss.isfinite()
        assert kept.grad.isfinite().all()
        assert removed.grad.isfinite().all()

    def test_log_odds_has_a_slope_where_the_squared_form_has_none(self):
        """A softmax that is sure of the class, whatever is hidden: a push on its logit must be felt."""

        def slope(loss):
            logit = torch.tensor([9.0], requires_grad=True)
            loss(torch.tensor([1.0]), logit.sigmoid()).backward()
            return logit.grad.item()

        assert slope(log_odds_loss) > 100 * slope(distinction_loss) > 0

    def test_total_variation_by_hand(self):
        mask = torch.tensor([[0.0, 1.0, 1.0], [0.5, 0.5, 0.0]]).view(1, 1, 2, 3)
        vertical, horizontal = (0.5 + 0.5 + 1) / 3, (1 + 0 + 0 + 0.5) / 4
        assert total_variation(mask).item() == pytest.approx((vertical + horizontal) / 2)
        weighted = total_variation(torch.cat((mask, torch.ones_like(mask))), torch.tensor([1.5, 0.5]))
        assert weighted.item() == pytest.approx(1.5 * (vertical + horizontal) / 4)

    def test_distance_to_area_by_hand(self):
        mask = torch.tensor([[0.0, 0.2], [0.6, 0.8]]).view(2, 1, 1, 2)
        assert distance_to_area(mask, 0.3).item() == pytest.approx((0.2 + 0.4) / 2)
        assert distance_to_area(mask, 0.3, torch.tensor([2.0, 0.0])).item() == pytest.approx(0.2)

    def test_attained_by_hand(self):
        kept, removed = torch.tensor([0.9, 0.5, 0.2, 0.9, 0.6]), torch.tensor([0.1, 0.3, 0.6, 0.0, 0.5])
        whole, nothing = torch.tensor([1.0, 0.6, 0.9, 0.8, 0.3]), torch.tensor([0.2, 0.2, 0.1, 0.2, 0.3])
        # dist 0.8 of 0.8, 0.2 of 0.4, below 0, above what all of the image attains, and nothing to attain.
        assert attained_fraction(kept, removed, whole, nothing).tolist() == pytest.approx([1, 0.5, 0, 1, 1])

    def test_even_weights_by_hand(self):
        weights = even_weights(torch.tensor([3, 0, 0, 0]))
        assert weights.tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])

    def test_even_weights_give_the_mean_of_the_classes_means(self, generator):
        labels, values = torch.tensor([0, 2, 2, 1, 2, 0, 2]), torch.rand(7, 1, 3, 3, generator=generator)
        expected = np.mean([values[labels == label].mean() for label in range(3)])
        assert weighted_mean(values, even_weights(labels)).item() == pytest.approx(expected)


class TestStep:
    """The whole of L_mask, for every remedy, from the networks' outputs in numpy."""

    @pytest.fixture
    def build(self, classifier):
        return lambda **values: LearnedMasker(ALIGNSettings(masker_width=4, **values), classifier, generator_of(3))

    @staticmethod
    def probabilities(classifier, images, labels):
        with torch.no_grad():
            logits = copy.deepcopy(classifier).eval()(images)
        return np.exp(log_softmax(as_numpy(logits)[0], axis=1))[np.arange(len(labels)), labels]

    @pytest.mark.parametrize(
        "remedy",
        [
            {"mask_values": "hardened"},
            {"mask_values": "binary", "reference": "batch"},
            {"reference": "blur", "masker_input": "features"},
            {"reference": "noise", "distinction": "log_odds"},
            {"mask_sparsity": "target_area", "target_area": 0.3},
            {"mask_sparsity": "adaptive", "even_classes": True},
            {"even_classes": True},
            {"mask_sparsity": "adaptive", "reference": "blur", "mask_values": "hardened", "distinction": "log_odds"},
        ],
    )
    def test_terms(self, remedy, build, classifier, batch):
        masker = build(**remedy)
        settings, (images, labels, *_) = masker.settings, batch
        drawn = generator_of(3)  # values first, then the reference
        with torch.no_grad():
            scores = copy.deepcopy(masker.network).scores(images, copy.deepcopy(classifier).eval())
            mask = RELAXATIONS[settings.mask_values](scores, drawn)
            reference = REFERENCES[settings.reference](images, labels, drawn)
        reference = torch.zeros_like(images) if reference is None else reference
        kept, removed, whole, nothing = (
            self.probabilities(classifier, seen, labels)
            for seen in (
                images * mask + reference * (1 - mask),
                images * (1 - mask) + reference * mask,
                images,
                reference,
            )
        )
        m = as_numpy(mask)[0]
        tv = (np.abs(np.diff(m, axis=2)).mean((1, 2, 3)) + np.abs(np.diff(m, axis=3)).mean((1, 2, 3))) / 2
        area = m.mean((1, 2, 3))
        per_image = {
            "mask_distinction": -0.3 * (np.log(kept) + np.log(1 - removed))
            if settings.distinction == "log_odds"
            else (kept - removed - 1) ** 2,
            "mask_sparsity": {
                "fixed": area,
                "target_area": np.abs(area - settings.target_area),
                "adaptive": area * np.clip((kept - removed) / np.maximum(whole - nothing, 1e-30), 0, 1) ** (whole > nothing),
            }[settings.mask_sparsity],
            "mask_smoothness": tv,
        }
        counts = np.bincount(labels)[labels]
        share = 1 / (3 * counts) if settings.even_classes else np.full(8, 1 / 8)
        expected = {name: (share * values).sum() for name, values in per_image.items()}
        expected["mask_total"] = expected["mask_distinction"] + 2 * expected["mask_sparsity"] + 0.5 * expected["mask_smoothness"]
        soft = expit(as_numpy(scores)[0])
        expected |= {"mask_area": soft.mean(), "mask_spread": soft.std((1, 2, 3)).mean()}
        terms, masks, distinct = masker.step(batch, classifier)
        assert distinct.tolist() == list(kept > removed)
        assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected, rel=1e-3)
        assert torch.equal(masks, scores.sigmoid())  # the soft masks, whatever the losses see

    def test_the_attained_share_sends_no_gradient(self, build, classifier, batch):
        """Were it differentiated, an image could lower its loss by hiding less of what it finds."""
        masker = build(mask_sparsity="adaptive")
        mask = torch.full((8, 1, SIZE, SIZE), 0.5, requires_grad=True)
        classifier.eval()
        (found,) = torch.autograd.grad(
            masker.losses(batch, mask, masker.parts(batch, mask, classifier), classifier)["mask_sparsity"], mask
        )
        assert (found.flatten(1) == found.flatten(1)[:, :1]).all()  # the share, alike in all of an image's pixels

    @pytest.mark.parametrize("values", ["soft", "binary", "hardened"])
    def test_masks_are_the_same_every_time_and_soft(self, values, build, classifier, batch):
        masker = build(mask_values=values)
        first, second = (masker.soft_masks(batch.images, classifier) for _ in range(2))
        assert torch.equal(first, second)
        assert 0 < first.min() < first.max() < 1


class TestFindsTheObject:
    """A classifier that looks at one bright square, and nothing else, is the judge of where the masks are."""

    class Judge(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(1, 1)
            self.intermediate_channels = 1
            self.precision = torch.float32

        def forward(self, images):
            bright = nn.functional.avg_pool2d(images[:, :1], 8).amax((1, 2, 3))
            return torch.stack((4 * (bright - 1), -4 * (bright - 1)), 1)

    @pytest.mark.parametrize(
        "remedy",
        [{}, {"mask_values": "hardened"}, {"mask_sparsity": "adaptive", "mask_values": "hardened"}, {"distinction": "log_odds"}],
    )
    def test_after_a_hundred_steps(self, remedy):
        generator, size = generator_of(0), 32
        settings = ALIGNSettings(
            **{"masker_width": 8, "lambda1": 1.0, "lambda2": 0.1, "masker_strides": (2, 1, 1), "masker_learning_rate": 0.01}
            | remedy
        )
        masker, judge = LearnedMasker(settings, self.Judge(), generator_of(1)), self.Judge()

        def scenes(count):
            images = 0.3 * torch.randn(count, 3, size, size, generator=generator)
            places = torch.randint(0, 3, (count, 2), generator=generator) * 8
            objects = torch.zeros(count, 1, size, size)
            for scene, (row, column) in zip(objects, places.tolist()):
                scene[:, row : row + 8, column : column + 8] = 1
            return images + 2 * objects, objects

        for _ in range(100):
            images, _ = scenes(16)
            masker.step(Batch(images, torch.zeros(16, dtype=torch.long)), judge)
        images, objects = scenes(32)
        masks = masker.soft_masks(images, judge)
        inside = (masks * objects).sum() / masks.sum()
        assert inside > 0.5  # a mask without content has 1/16 of itself there


def test_masks_are_sigmoids_of_scores(classifier, batch):
    network = ConvolutionalMasker(ALIGNSettings(masker_width=4), classifier.intermediate_channels, generator_of(0)).eval()
    np.testing.assert_allclose(*as_numpy(network(batch.images, classifier), network.scores(batch.images, classifier).sigmoid()))
