"""ERM on masked images: its masks, what makes them worse, the blur, and what the classifier is shown."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from method_terms import SIZE, SMALL, TRAINING
from PIL import Image
from pydantic import ValidationError
from scipy import ndimage

from align.configuration.run import Run
from align.configuration.runs import left_out_variants, planned_runs
from align.configuration.schema import Configuration
from align.errors import InputError
from align.imaging.blur import scaled_blur
from align.imaging.masks import FULL
from align.imaging.normalisation import denormalise, normalise
from align.masking.degradation import dilated, eroded, replaced, shifted
from align.masking.fixed import RANDOM_CELLS, centre_mask, grey_mask, random_mask, smooth
from align.masking.image_noise import image_seeded_noise
from align.methods.base import Batch
from align.methods.masked_erm import MaskedERM
from align.methods.settings import MaskedERMSettings
from align.models.classifier import build_classifier
from align.preparation.packed import Packed
from align.training import teacher
from align.training.teacher import with_learned_masks

DEGRADATIONS = ["eroded", "dilated", "shifted", "random"]


@pytest.fixture
def images(generator):
    return normalise(torch.rand((4, 3, SIZE, SIZE), generator=generator))


@pytest.fixture
def masks(generator):
    return torch.rand((4, 1, SIZE, SIZE), generator=generator)


def masked_erm(generator, **settings):
    classifier = build_classifier(SMALL, 3, generator)
    return MaskedERM(classifier, MaskedERMSettings(**settings), TRAINING, generator)


def batch_of(images, masks=None):
    return Batch(images, torch.arange(len(images)) % 3, masks)


class TestDegradation:
    @pytest.mark.parametrize("degree", [0.0, 0.05, 0.1, 0.25])
    @pytest.mark.parametrize(("degraded", "scipy_s"), [(dilated, ndimage.grey_dilation), (eroded, ndimage.grey_erosion)])
    def test_dilation_and_erosion_are_scipy_s(self, masks, degree, degraded, scipy_s):
        side = 2 * round(degree * SIZE) + 1
        expected = [scipy_s(mask[0], size=(side, side), mode="nearest") for mask in masks.numpy()]
        assert degraded(masks, degree).squeeze(1).numpy() == pytest.approx(np.stack(expected), abs=1e-6)

    @pytest.mark.parametrize(("turn", "step"), [(0.0, (0, 2)), (0.25, (2, 0)), (0.5, (0, -2)), (0.75, (-2, 0)), (0.125, (1, 1))])
    def test_a_shift_moves_by_whole_pixels_and_brings_nothing_in(self, masks, turn, step):
        turns = torch.tensor([turn, 0.5, 0.5, 0.5])
        expected = ndimage.shift(masks[0, 0].numpy(), step, order=0, mode="constant", cval=0)
        assert shifted(masks, 2 / SIZE, turns)[0, 0].numpy() == pytest.approx(expected)

    def test_every_mask_is_shifted_in_its_own_direction(self):
        dot = torch.zeros(2, 1, 5, 5)
        dot[:, 0, 2, 2] = 1
        left, down = shifted(dot, 0.4, torch.tensor([0.5, 0.25]))[:, 0]
        assert left.nonzero().tolist() == [[2, 0]]
        assert down.nonzero().tolist() == [[4, 2]]

    def test_replaced_cells_are_those_of_lowest_order(self):
        masks = torch.full((1, 1, 4, 4), 0.5)
        order, values = torch.tensor([[3.0, 1.0, 2.0, 0.0]]), torch.tensor([[0.1, 0.2, 0.3, 0.4]])
        expected = torch.tensor([[0.5, 0.5, 0.2, 0.2]] * 2 + [[0.5, 0.5, 0.4, 0.4]] * 2)
        assert torch.equal(replaced(masks, 0.5, order, values)[0, 0], expected)
        assert torch.equal(replaced(masks, 0, order, values), masks)
        assert replaced(masks, 1, order, values)[0, 0, ::2, ::2].flatten().tolist() == values.flatten().tolist()

    @pytest.mark.parametrize("degradation", DEGRADATIONS)
    def test_what_is_not_known_stays_so(self, generator, images, masks, degradation):
        masks[1] = torch.nan
        method = masked_erm(generator, degradation=degradation, degree=0.2)
        known = method.used_masks(batch_of(images, masks)).isnan().logical_not()
        assert known.all((1, 2)).tolist() == [True, False, True, True]
        assert not known[1].any()


class TestFixedMasks:
    def test_grey_level_is_that_of_pillow(self, images):
        pixels = (denormalise(images) * 255).round().byte()
        expected = [np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L")) for image in pixels]
        found = grey_mask(normalise(pixels / 255)) * 255
        assert found.squeeze(1).numpy() == pytest.approx(np.stack(expected), abs=0.6)

    def test_centre_is_a_bell_of_a_quarter_of_the_side(self, images):
        mask = centre_mask(images)
        row, column = 3, 10
        offsets = [(place + 0.5) / SIZE - 0.5 for place in (row, column)]
        assert mask[2, 0, row, column].item() == pytest.approx(np.exp(-sum(o**2 for o in offsets) / (2 * 0.25**2)))
        assert torch.allclose(mask, mask.flip(-1)) and torch.allclose(mask, mask.mT)

    def test_random_mask_is_the_generator_s(self, images):
        first, again, other = (random_mask(images, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert first.min() >= 0 and first.max() <= 1
        assert len(first.flatten(1).unique(dim=0)) == len(images)

    def test_smooth_mask_goes_through_the_values_of_its_cells(self):
        values = torch.rand(2, 9)
        assert torch.allclose(smooth(values, (9, 9))[:, 0, 1::3, 1::3].flatten(1), values)


class TestOwnNumbers:
    def test_neither_place_nor_batch_counts(self, images):
        together = image_seeded_noise(images, 5)
        assert torch.equal(image_seeded_noise(images.flip(0), 5).flip(0), together)
        assert torch.equal(image_seeded_noise(images[2:3].contiguous(memory_format=torch.channels_last), 5), together[2:3])
        assert len(together.unique()) == together.numel()

    def test_they_are_uniform(self):
        numbers = image_seeded_noise(normalise(torch.rand(500, 3, 4, 4)), 4)
        assert numbers.mean(0).numpy() == pytest.approx(0.5, abs=0.06)
        assert abs(np.corrcoef(numbers.T.numpy()) - np.eye(4)).max() < 0.2


@pytest.mark.parametrize("side", [32, 64])
def test_blur_is_scipy_s_gaussian_and_shrinks_with_the_image(generator, side):
    images = torch.rand((2, 3, side, side), generator=generator)
    sigma = 2.0 * 224 / 32
    expected = ndimage.gaussian_filter(images.numpy(), (0, 0, 2.0 * side / 32, 2.0 * side / 32), mode="mirror", truncate=3)
    assert scaled_blur(images, sigma).numpy() == pytest.approx(expected, abs=1e-5)


class TestView:
    def test_background_is_blurred_and_an_image_of_unknown_mask_stays(self, generator, images, masks):
        masks[3] = torch.nan
        found = masked_erm(generator, blur=30).view(batch_of(images, masks))
        expected = images * masks + scaled_blur(images, 30) * (1 - masks)
        assert torch.allclose(found[:3], expected[:3], atol=1e-5)
        assert torch.equal(found[3], images[3])

    def test_without_a_mask_images_stay_as_they_are(self, generator, images):
        method = masked_erm(generator, mask="none")
        assert torch.equal(method.view(batch_of(images)), images)
        assert method.used_masks(batch_of(images)) is None

    def test_masks_that_are_computed(self, generator, images):
        batch = batch_of(images)
        assert torch.equal(masked_erm(generator, mask="grey").used_masks(batch), grey_mask(images)[:, 0])
        assert torch.equal(masked_erm(generator, mask="centre").used_masks(batch), centre_mask(images)[:, 0])
        expected = smooth(image_seeded_noise(images, RANDOM_CELLS**2), (SIZE, SIZE))
        assert torch.equal(masked_erm(generator, mask="random").used_masks(batch), expected[:, 0])

    @pytest.mark.parametrize("settings", [{"mask": "random"}, *({"degradation": name, "degree": 0.3} for name in DEGRADATIONS)])
    def test_an_image_is_masked_alike_whenever_it_is_shown(self, generator, images, masks, settings):
        method = masked_erm(generator, **settings)
        together, before = method.view(batch_of(images, masks)), generator.get_state()
        torch.rand(1)  # the global generator moves on, and does not count
        alone = torch.cat([method.view(batch_of(images[[i]], masks[[i]])) for i in range(len(images))])
        assert torch.allclose(alone, together, atol=1e-5)
        assert torch.equal(generator.get_state(), before)
        assert not torch.allclose(together, masked_erm(generator).view(batch_of(images, masks)), atol=1e-2)

    def test_loss_is_the_cross_entropy_of_what_is_shown(self, generator, images, masks):
        method = masked_erm(generator)
        method.classifier.eval()
        batch = batch_of(images, masks)
        expected = F.cross_entropy(method.classifier(method.view(batch)), batch.labels)
        assert method.losses(batch)["classification"].item() == pytest.approx(expected.item())


class TestSettings:
    @pytest.mark.parametrize(
        "wrong", [{"degree": 0.1}, {"degradation": "eroded"}, {"mask": "none", "degradation": "eroded", "degree": 0.1}]
    )
    def test_a_degradation_has_a_degree_and_a_mask(self, wrong):
        with pytest.raises(ValidationError, match="expected a mask and a degradation with a degree above 0"):
            MaskedERMSettings(**wrong)

    def test_whose_masks_are_given(self):
        given = {
            mask: MaskedERMSettings(mask=mask).given_masks for mask in ("none", "grey", "random", "centre", "sam", "learned")
        }
        assert given == dict.fromkeys(["none", "grey", "random", "centre"]) | {"sam": "sam", "learned": "learned"}
        assert MaskedERMSettings().given_masks == "ground_truth"


class TestTeacher:
    def configuration(self, *methods, seeds=(0, 1), align_seeds=(0,)):
        dataset = {"source": {"digit_scenes": {}}, "root": "data/scenes", "domains": ["china"]}
        experiments = {"one": {"dataset": "scenes", "methods": ["align"], "seeds": align_seeds}} if align_seeds else {}
        experiments["two"] = {"dataset": "scenes", "methods": list(methods), "seeds": seeds, "study": "mask_quality"}
        return Configuration(datasets={"scenes": dataset}, experiments=experiments)

    def test_a_run_without_its_teacher_is_left_out(self):
        configuration = self.configuration({"masked_erm": {"mask": "learned"}}, {"masked_erm": {"mask": "none"}})
        learned = [run for run in planned_runs(configuration) if run.method == "masked_erm-mask=learned"]
        assert learned == [Run("scenes", "single_source", "china", "masked_erm-mask=learned", 0)]
        assert left_out_variants(configuration) == {
            (
                "scenes",
                "masked_erm-mask=learned",
            ): "it needs masks of ALIGN, but no experiment trains ALIGN on its domain with its seed"
        }

    def test_another_method_can_teach(self):
        other = {"masked_erm": {"mask": "learned", "teacher": "align-plus"}}
        assert list(left_out_variants(self.configuration(other)).values()) == [
            "it needs masks of ALIGN-plus, but no experiment trains ALIGN-plus on its domain with its seed"
        ]
        assert left_out_variants(self.configuration(other, "align-plus", align_seeds=())) == {}

    @pytest.mark.parametrize("changes", [{"masker": "grey"}, {"lambda3": 0}])
    def test_a_teacher_that_learns_no_masks_teaches_nobody(self, changes):
        configuration = self.configuration({"masked_erm": {"mask": "learned"}}, seeds=(0,))
        methods = type(configuration.methods)(align=changes)
        (reason,) = left_out_variants(configuration.model_copy(update={"methods": methods})).values()
        assert reason == "it needs masks of ALIGN, but ALIGN learns none (methods.align: masker, lambda3)"

    def test_its_masks_are_those_of_every_image_in_order(self, generator, monkeypatch):
        monkeypatch.setattr(teacher, "BATCH", 3)
        images = torch.randint(0, 256, (7, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
        packed = Packed(images.numpy(), np.zeros(7, np.int64), list("abcdefg"), None)
        made = with_learned_masks(packed, masked_erm(generator, mask="grey"), torch.device("cpu")).given_masks
        expected = [np.asarray(Image.fromarray(image.numpy()).convert("L")) for image in images]
        assert made.dtype == np.uint8
        assert made == pytest.approx(np.stack(expected) / 255 * FULL, abs=1.2)

    def test_one_without_masks_is_refused(self, generator):
        packed = Packed(np.zeros((1, SIZE, SIZE, 3), np.uint8), np.zeros(1, np.int64), ["a"], None)
        with pytest.raises(InputError, match="found a teacher that makes no masks, expected one"):
            with_learned_masks(packed, masked_erm(generator, mask="none"), torch.device("cpu"))


def test_worse_masks_agree_less_with_the_true_ones(generator):
    masks = torch.zeros(4, 1, SIZE, SIZE)
    masks[:, :, SIZE // 4 : SIZE // 2, SIZE // 4 : SIZE // 2] = 1
    images = normalise(torch.rand((4, 3, SIZE, SIZE), generator=generator))

    def agreement(**settings):
        found = masked_erm(generator, **settings).used_masks(batch_of(images, masks)) > 0.5
        return (found & (masks[:, 0] > 0)).sum().item() / (found | (masks[:, 0] > 0)).sum().item()

    for degradation in DEGRADATIONS:
        agreements = [1.0] + [agreement(degradation=degradation, degree=degree) for degree in (0.05, 0.1)]
        assert all(before > after for before, after in itertools.pairwise(agreements)), degradation
