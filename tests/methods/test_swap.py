import numpy as np
import pytest
import torch
from method_terms import SIZE, SMALL, TRAINING, as_numpy, generator_of, numpy_cross_entropy, state_of, unchanged
from scipy.special import log_softmax
from torch import nn

from align.methods.align import ALIGN
from align.methods.align.backgrounds import BACKGROUNDS, emptied, mixed_backgrounds
from align.methods.align.settings import ALIGNPlusSettings, ALIGNSwapSettings
from align.methods.align.swap import ALIGNSwap
from align.methods.align.swap_masks import SWAP_MASKS
from align.methods.base import Batch
from align.methods.erm import ERM
from align.methods.settings import MethodSettings, SGTSettings
from align.methods.sgt import SGT
from align.models.classifier import build_classifier

SMALL_MASKER = {"masker_width": 4}


@pytest.fixture
def build(classifier, generator):
    def build(phase="guided", **hyper_parameters):
        method = ALIGNSwap(classifier, ALIGNSwapSettings(**SMALL_MASKER | hyper_parameters), TRAINING, generator)
        method.phase = phase
        return method

    return build


@pytest.fixture
def square():
    """Masks that keep a square in the middle of each of eight images: a quarter of the image."""
    mask = torch.zeros(8, 1, SIZE, SIZE)
    mask[..., SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4] = 1
    return mask


def swapping(method, mask, share=1.0):
    """Make a method swap the given share of every batch, with these masks."""
    method.share, method.guidance_mask, method.distinct = share, mask, None
    return method


class TestWarmUp:
    @pytest.mark.parametrize(
        ("hyper_parameters", "method", "settings"),
        [
            ({"lambda4": 0.0}, ERM, MethodSettings()),
            ({"lambda4": 1.0}, ALIGN, ALIGNPlusSettings()),
            ({"lambda4": 1.0, "regulariser": "sgt"}, SGT, SGTSettings()),
        ],
    )
    def test_it_is_erm_or_with_a_regulariser_align_or_sgt(self, small_classifiers, batch, hyper_parameters, method, settings):
        ours, theirs = small_classifiers
        steps = [
            ALIGNSwap(ours, ALIGNSwapSettings(**hyper_parameters), TRAINING, generator_of(3)).step(batch),
            method(theirs, settings, TRAINING, generator_of(3)).step(batch),
        ]
        assert steps[0].keys() == steps[1].keys()
        assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))

    @pytest.fixture
    def small_classifiers(self, classifier):
        return [build_classifier(SMALL, classifier.head.out_features, generator_of(0)) for _ in range(2)]

    def test_without_guidance_it_ends_all_the_same(self, build):
        method = build("warm_up", lambda3=0)
        assert not method.start_epoch(2, 4)
        assert method.start_epoch(3, 4)
        assert method.phase == "guided"


class TestLoss:
    @pytest.mark.parametrize("lambda3", [0.0, 1.0])
    @pytest.mark.parametrize("lambda4", [0.0, 1.0])
    def test_terms_of_swapped_images_equal_an_independent_computation(self, build, batch, square, monkeypatch, lambda3, lambda4):
        method = swapping(build(lambda3=lambda3, lambda4=lambda4), square)
        changed = torch.rand(batch.images.shape)
        monkeypatch.setattr(method, "swapped", lambda batch: changed)
        method.classifier.eval()
        logits, swapped = as_numpy(method.classifier(batch.images), method.classifier(changed))
        terms = method.losses(batch)
        p, q = log_softmax(logits, 1), log_softmax(swapped, 1)
        assert terms["swap_consistency"].item() == pytest.approx((np.exp(p) * (p - q)).sum(1).mean(), rel=1e-4)
        assert terms["swap_classification"].item() == pytest.approx(numpy_cross_entropy(swapped, batch.labels), rel=1e-4)
        assert ("guidance" in terms) == (lambda3 > 0)
        assert ("sparsity" in terms) == (lambda4 > 0)

    def test_a_step_with_swapped_images_trains_the_classifier(self, build, batch):
        method = build()
        method.share, before = 1.0, state_of(method.classifier)
        terms = method.step(batch)
        assert {"swap_consistency", "swap_classification", "guidance", "mask_total"} <= set(terms)
        assert all(term.isfinite() for term in terms.values())
        assert not unchanged(method.classifier, before)

    def test_the_masker_takes_one_of_several_steps(self, build, batch):
        method = build(masker_every=3)
        changed, areas = [], []
        for _ in range(6):
            before = [weight.clone() for weight in method.masker.network.parameters()]
            terms = method.step(batch)
            areas.append(terms["mask_area"].item())
            changed.append(not all(map(torch.equal, before, method.masker.network.parameters())))
        assert changed == [True, False, False] * 2
        assert areas[0] == areas[1] == areas[2] != areas[3]  # between its steps it reports the last one


class TestSwap:
    def test_the_object_stays_and_the_rest_is_the_background(self, build, batch, square):
        method = swapping(build(backgrounds=["colour"]), square)
        swapped = method.swapped(batch)
        inside = square.bool().expand_as(swapped)
        assert torch.equal(swapped[inside], batch.images[inside])
        outside = swapped[~inside].view(8, 3, -1)
        assert (outside == outside[..., :1]).all()  # one colour for each image

    def test_a_share_of_the_images_is_swapped(self, build, batch, square):
        method = swapping(build(), square, share=0.25)
        changed = [(method.swapped(batch) != batch.images).flatten(1).any(1) for _ in range(200)]
        assert torch.cat(changed).float().mean().item() == pytest.approx(0.25, abs=0.04)  # 4 standard errors of 1,600 draws

    @pytest.mark.parametrize("area", [0.01, 0.97])
    def test_a_mask_of_nearly_nothing_or_everything_swaps_nothing(self, build, batch, area):
        method = swapping(build(), torch.full((8, 1, SIZE, SIZE), area))
        assert torch.equal(method.swapped(batch), batch.images)

    def test_a_mask_whose_object_says_less_than_the_rest_swaps_nothing(self, build, batch, square):
        method = swapping(build(), square)
        method.distinct = torch.arange(8) < 3
        assert (method.swapped(batch) != batch.images).flatten(1).any(1).tolist() == [True] * 3 + [False] * 5

    def test_an_image_without_a_mask_stays(self, build, batch, square):
        square[2:] = torch.nan
        swapped = swapping(build(masker="ground_truth"), square).swapped(batch)
        assert (swapped != batch.images).flatten(1).any(1).tolist() == [True] * 2 + [False] * 6

    def test_with_context_the_background_is_of_the_same_class(self, build, square):
        """Each class has one colour all over. So a swap within the class changes nothing, and one with noise does."""
        labels = torch.arange(8) % 2
        images = labels.float()[:, None, None, None].expand(8, 3, SIZE, SIZE).clone()
        images[..., 0, 0] += 1  # else the range of the noise would be empty
        method = swapping(build(), square)
        method.context = 1.0
        corner = np.s_[..., 3:, 3:]  # the blur reaches from the odd pixel
        torch.testing.assert_close(method.swapped(Batch(images, labels))[corner], images[corner], atol=0.1, rtol=0)
        method.context = 0.0
        assert (method.swapped(Batch(images, labels)) - images)[corner].abs().max() > 0.3

    def test_the_share_rises_from_zero_in_the_first_guided_epochs(self, build):
        method = build("warm_up", warm_up=0.5, swap_share=0.8, swap_rise=0.5)
        shares = []
        for epoch in range(1, 9):
            method.start_epoch(epoch, 8)
            shares.append(method.share)
        assert shares == pytest.approx([0, 0, 0, 0, 0, 0.4, 0.8, 0.8])


class TestContext:
    @pytest.mark.parametrize(
        ("whole", "background", "expected"),
        [(1.0, 0.2, 0.0), (1.0, 0.6, 0.5), (0.6, 0.6, 1.0), (0.6, 0.8, 1.0), (0.9, 0.1, 0.0), (0.2, 0.2, 0.0)],
    )
    def test_it_is_what_the_background_shows_of_what_the_image_shows(self, batch, generator, whole, background, expected):
        method = ALIGNSwap(build_classifier(SMALL, 5, generator), ALIGNSwapSettings(), TRAINING, generator)
        method.observe({"validation_accuracy": 0.9, "validation_of_whole": whole, "validation_of_background": background})
        assert method.context == pytest.approx(expected)

    def test_a_given_context_stays(self, build):
        method = build("warm_up", context=0.3)
        method.start_epoch(9, 9)
        method.observe({"validation_accuracy": 0.9, "validation_of_whole": 1.0, "validation_of_background": 1.0})
        assert method.context == 0.3

    def test_every_class_counts_alike_on_validation_images(self, build, batch, square, monkeypatch):
        """Seven images of class 0 and one of class 1: a classifier that always says 0 is right for half of the classes."""
        method = build()
        monkeypatch.setattr(method, "used_masks", lambda batch: square.squeeze(1))
        with torch.no_grad():
            method.classifier.head.weight.zero_()
            method.classifier.head.bias.copy_(torch.arange(method.classifier.head.out_features).neg())
        some = batch._replace(labels=(torch.arange(8) == 5).long())
        watched = method.diagnose(some, method.classifier.features(some.images))
        assert watched["validation_of_background"].mean().item() == pytest.approx(0.5)
        assert watched["validation_of_whole"].mean().item() == pytest.approx(0.5)

    def test_the_background_is_the_image_without_its_object(self, build, batch, square, monkeypatch):
        method, seen = build(), []
        monkeypatch.setattr(method, "used_masks", lambda batch: square.squeeze(1))
        features = method.classifier.features(batch.images)
        method.classifier.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
        method.diagnose(batch, features)
        background, on_another = seen
        torch.testing.assert_close(background, emptied(batch.images, square, torch.arange(8)))
        inside = square.bool().expand_as(on_another)
        assert torch.equal(on_another[inside], batch.images[inside])
        assert not (on_another == batch.images)[~inside].view(8, -1).all(1).any()


class TestBackgrounds:
    @pytest.mark.parametrize("name", ["uniform", "colour", "patches"])
    def test_noise_stays_within_the_range_of_each_channel(self, name, batch, square, generator):
        for _ in range(5):  # patches draw their size
            background = BACKGROUNDS[name](batch.images, square, generator)
            low, high = batch.images.amin((2, 3), keepdim=True), batch.images.amax((2, 3), keepdim=True)
            assert ((background >= low - 1e-5) & (background <= high + 1e-5)).all()

    def test_normal_noise_has_the_moments_of_the_image(self, generator, square):
        images = torch.randn(8, 3, SIZE, SIZE) * 3 + 1
        noise = torch.stack([BACKGROUNDS["normal"](images, square, generator) for _ in range(50)])
        for moment in (torch.mean, torch.std):
            torch.testing.assert_close(moment(noise, dim=(0, 3, 4)), moment(images, dim=(2, 3)), atol=0.15, rtol=0)

    def test_an_emptied_image_has_nothing_of_its_object(self, square):
        images = torch.full((8, 3, SIZE, SIZE), 2.0).lerp(torch.full((8, 3, SIZE, SIZE), 9.0), square)
        torch.testing.assert_close(emptied(images, square, torch.arange(8)), torch.full_like(images, 2.0))

    def test_an_emptied_image_is_the_partner_outside_of_its_object(self, batch, square):
        partners = torch.arange(8).roll(1)
        outside = (square == 0).expand_as(batch.images)
        assert torch.equal(emptied(batch.images, square, partners)[outside], batch.images[partners][outside])

    def test_a_convolved_background_keeps_the_moments_of_each_channel(self, batch, square):
        before = BACKGROUNDS["emptied"](batch.images, square, generator_of(4))
        after = BACKGROUNDS["convolved"](batch.images, square, generator_of(4))  # the same partners: they are drawn first
        for moment in (torch.mean, torch.std):
            torch.testing.assert_close(moment(after, dim=(2, 3)), moment(before, dim=(2, 3)), rtol=1e-3, atol=1e-3)
        assert (after - before).abs().mean() > 0.1

    def test_kinds_are_drawn_for_each_image(self, batch, square, generator):
        drawn = torch.cat([mixed_backgrounds(["colour", "uniform"], batch.images, square, generator) for _ in range(50)])
        plain = (drawn == drawn[..., :1, :1]).all(-1).all(-1).all(-1).float().mean().item()
        assert plain == pytest.approx(0.5, abs=0.1)  # 4 standard errors of 400 draws


class TestControls:
    @pytest.fixture
    def masks(self):
        return torch.rand(8, 1, SIZE, SIZE) * torch.linspace(0.2, 1, 8)[:, None, None, None]

    def test_noise_all_over_has_one_strength_for_each_image(self, build, batch, square):
        """Where the background has one colour c, the whole image is g x + (1 − g) c, with a random g, and no mask is cut."""
        method, greys = swapping(build(backgrounds=["colour"], swap_mask="whole"), square), []
        for _ in range(100):
            slope = method.swapped(batch).std((2, 3)) / batch.images.std((2, 3))
            torch.testing.assert_close(slope, slope[:, :1].expand_as(slope))
            greys.append(slope[:, 0])
        assert torch.cat(greys).quantile(torch.tensor([0.25, 0.5, 0.75])).tolist() == pytest.approx([0.25, 0.5, 0.75], abs=0.07)

    @pytest.mark.parametrize("name", ["centre", "gradient"])
    def test_a_control_has_the_area_of_the_cut_mask(self, name, build, batch, square):
        method, area = build(backgrounds=["colour"], swap_mask=name), square.mean().item()
        swapped = swapping(method, square * 0.4 + 0.3).swapped(batch)
        kept = (swapped == batch.images).all(1).float().mean((1, 2))
        torch.testing.assert_close(kept, torch.full((8,), area), atol=0.5 / SIZE**2, rtol=0)

    @pytest.mark.parametrize("name", ["centre", "gradient"])
    def test_the_area_is_that_of_the_mask(self, name, classifier, batch, masks, generator):
        control = SWAP_MASKS[name](classifier, batch, masks, generator)
        assert control.shape == masks.shape
        torch.testing.assert_close(control.mean((1, 2, 3)), masks.mean((1, 2, 3)), atol=0.5 / SIZE**2, rtol=0)

    def test_a_permuted_mask_is_that_of_another_image(self, classifier, batch, masks, generator):
        for _ in range(20):
            control = SWAP_MASKS["permuted"](classifier, batch, masks, generator)
            areas, own = control.mean((1, 2, 3)), masks.mean((1, 2, 3))
            assert torch.equal(areas.sort().values, own.sort().values)
            assert not (areas == own).any()

    def test_the_gradient_mask_keeps_the_highest_gradient(self, batch, generator):
        """A classifier that only sees the left half has no gradient on the right."""

        class LeftHalf(nn.Module):
            def forward(self, images):
                return images[..., : SIZE // 2].sum((1, 2, 3))[:, None].expand(-1, 5)

        control = SWAP_MASKS["gradient"](LeftHalf(), batch, torch.full((8, 1, SIZE, SIZE), 0.5), generator)
        assert control[..., : SIZE // 2].min() == 1
        assert control[..., SIZE // 2 :].max() == 0

    @pytest.mark.parametrize("name", SWAP_MASKS)
    def test_a_run_with_each_control_takes_a_step(self, name, build, batch):
        method = build(swap_mask=name)
        method.share = 1.0
        assert method.step(batch)["total"].isfinite()
