from collections import Counter
from itertools import permutations

import pytest
import torch
from PIL import Image
from scipy.stats import chisquare, ks_2samp
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional

from align.augmentation.colour import blend, draw_orders, jitter, shift_hue, to_grey
from align.augmentation.geometry import crop_and_resize, draw_crops
from align.augmentation.pipeline import augment
from align.augmentation.settings import AugmentationSettings
from align.imaging.colour import luma
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION
from align.imaging.normalisation import normalise, to_unit
from benchmarks.plain_loader import transform

ORDER = (0, 1, 2, 3)
OFF = {"crop_scale": (1, 1), "crop_ratio": (1, 1), "flip": 0, "jitter": 0, "grey": 0}


@pytest.fixture
def images(generator):
    some = torch.rand(6, 3, 20, 20, generator=generator)
    some[0, :, :4] = 0.5  # grey pixels have no hue
    some[1, :, :4] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    return some


def test_hue_is_torchvisions(images):
    turns = torch.tensor([-0.5, -0.3, -0.01, 0.0, 0.2, 0.5])
    expected = torch.stack([functional.adjust_hue(image, turn) for image, turn in zip(images, turns.tolist())])
    torch.testing.assert_close(shift_hue(images, turns), expected, rtol=0, atol=1e-5)


def test_a_third_of_a_turn_makes_red_green():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    torch.testing.assert_close(shift_hue(red, torch.tensor([1 / 3])).flatten(), torch.tensor([0.0, 1.0, 0.0]))


@pytest.mark.parametrize(
    ("torchvisions", "other"),
    [
        (functional.adjust_brightness, torch.zeros_like),
        (functional.adjust_contrast, lambda images: luma(images).mean((2, 3), keepdim=True)),
        (functional.adjust_saturation, luma),
    ],
)
def test_brightness_contrast_and_saturation_are_torchvisions(images, torchvisions, other):
    factors = torch.tensor([0.0, 0.5, 0.9, 1.0, 1.3, 2.0])
    expected = torch.stack([torchvisions(image, factor) for image, factor in zip(images, factors.tolist())])
    torch.testing.assert_close(blend(images, other(images), factors), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2)])
def test_jitter_is_the_four_changes_in_the_given_order(images, order):
    strength, seed = 0.6, 3
    factors = torch.empty(4, len(images)).uniform_(-strength, strength, generator=torch.Generator().manual_seed(seed))
    changes = [functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation, functional.adjust_hue]
    expected = []
    for image, (*factors_of_image, turn) in zip(images, factors.T.tolist()):
        values = [1 + factor for factor in factors_of_image] + [max(-0.5, min(0.5, turn))]
        for change in order:
            image = changes[change](image, values[change])
        expected.append(image)
    found = jitter(images, strength, order, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-4)


def test_every_order_is_as_likely(generator):
    orders = draw_orders(4800, generator)
    counts = Counter(map(tuple, orders))
    assert set(counts) == set(permutations(range(4)))
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_grey_is_torchvisions_for_the_chosen_images_only(images):
    chosen = torch.tensor([True, False, True, False, False, True])
    grey = functional.rgb_to_grayscale(images, num_output_channels=3)
    expected = torch.where(chosen[:, None, None, None], grey, images)
    torch.testing.assert_close(to_grey(images, chosen), expected, rtol=0, atol=1e-6)


def test_crops_are_torchvisions(images):
    left, top, width, height = torch.tensor(
        [[0, 0, 20, 20], [3, 5, 10, 12], [19, 19, 1, 1], [0, 7, 20, 13], [8, 0, 5, 20], [1, 2, 17, 15]]
    ).T.float()
    mirrored = torch.tensor([False, True, False, True, True, False])
    expected = []
    for i, image in enumerate(images):
        box = [int(edge[i]) for edge in (top, left, height, width)]
        resized = functional.resized_crop(image, *box, size=[20, 20], antialias=False)
        expected.append(functional.hflip(resized) if mirrored[i] else resized)
    found = crop_and_resize(images, left, top, width, height, mirrored)
    torch.testing.assert_close(found, torch.stack(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize(("scale", "ratio"), [((0.7, 1.0), (3 / 4, 4 / 3)), ((0.08, 0.3), (0.5, 2.0))])
def test_boxes_are_distributed_as_torchvisions(scale, ratio, generator):
    size, count = 224, 3000
    image = torch.empty(3, size, size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theirs = torch.tensor([RandomResizedCrop.get_params(image, list(scale), list(ratio)) for _ in range(count)]).double()
    top, left, height, width = theirs.T
    ours = [edge.double() for edge in draw_crops(count, size, scale, ratio, generator)]

    def quantities(left, top, width, height):
        return {"area": width * height, "ratio": width / height, "left": left, "top": top, "right": left + width}

    expected = quantities(left, top, width, height)
    for name, values in quantities(*ours).items():
        assert ks_2samp(values.numpy(), expected[name].numpy()).pvalue > 1e-3, name


def test_boxes_lie_inside_of_the_image(generator):
    left, top, width, height = draw_crops(2000, 9, (0.01, 1.0), (0.2, 5.0), generator)
    assert torch.stack((left, top)).min() == 0
    assert torch.stack((width, height)).min() == 1
    assert (left + width).max() == (top + height).max() == 9


def test_a_box_that_never_fits_is_the_whole_image(generator):
    for edge, expected in zip(draw_crops(5, 10, (1.0, 1.0), (2.0, 3.0), generator), (0, 0, 10, 10)):
        assert edge.tolist() == [expected] * 5


def test_nothing_changes_when_all_is_off(images, generator):
    torch.testing.assert_close(augment(images, AugmentationSettings(**OFF), ORDER, generator), images, rtol=0, atol=1e-5)


def test_flip_one_mirrors_and_grey_one_takes_all_colour(images, generator):
    changed = augment(images, AugmentationSettings(**OFF | {"flip": 1, "grey": 1}), ORDER, generator)
    expected = functional.rgb_to_grayscale(images.flip(3), num_output_channels=3)
    torch.testing.assert_close(changed, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_flip_and_grey_happen_as_often_as_they_should(probability, generator):
    images = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]).view(1, 3, 1, 2).expand(4000, 3, 2, 2)
    flipped = augment(images, AugmentationSettings(**OFF | {"flip": probability}), ORDER, generator)[:, 0, 0, 1] > 0.5
    greyed = augment(images, AugmentationSettings(**OFF | {"grey": probability}), ORDER, generator)[:, 1, 0, 0] > 0.1
    for chosen in (flipped, greyed):
        assert chosen.double().mean().item() == pytest.approx(probability, abs=0.03)


def test_the_generator_alone_decides(images):
    def changed(seed, global_seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(global_seed)
            return augment(images, AugmentationSettings(), ORDER, torch.Generator().manual_seed(seed))

    assert torch.equal(changed(5, 1), changed(5, 2))
    assert not torch.equal(changed(5, 1), changed(6, 1))


@pytest.mark.parametrize("on", [{"crop_scale": (0.3, 0.9)}, {"jitter": 0.5}], ids=["crop", "jitter"])
def test_every_image_has_parameters_of_its_own(images, generator, on):
    same = images[:1].expand(6, -1, -1, -1)
    changed = augment(same, AugmentationSettings(**OFF | on), ORDER, generator)
    pairs = torch.combinations(torch.arange(6))
    assert (changed[pairs[:, 0]] - changed[pairs[:, 1]]).abs().amax((1, 2, 3)).min() > 1e-4


def test_augmented_images_stay_in_range(images, generator):
    changed = augment(images, AugmentationSettings(jitter=1, grey=0.5, crop_scale=(0.1, 1)), ORDER, generator)
    assert changed.shape == images.shape
    assert changed.min() >= -1e-6
    assert changed.max() <= 1 + 1e-6


def test_augmented_images_are_distributed_as_torchvisions(generator):
    count, batch, size = 1500, 10, 32
    settings = AugmentationSettings(grey=0.3)
    packed = torch.randint(0, 256, (4, 4, 3), generator=generator, dtype=torch.uint8)
    packed = packed.repeat_interleave(size // 4, 0).repeat_interleave(size // 4, 1)  # a patchwork: every crop shows another part
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        change, image = transform(size, settings), Image.fromarray(packed.numpy())
        theirs = torch.stack([change(image) for _ in range(count)])
    same = to_unit(packed.expand(batch, -1, -1, -1))
    orders = draw_orders(count // batch, generator)
    ours = torch.cat([normalise(augment(same, settings, order, generator)) for order in orders])

    def quantities(images):
        left, right = images.mean((1, 2)).tensor_split(2, 1)
        saturation = images.std(1, correction=0).mean((1, 2))
        return {
            "mean": images.mean((1, 2, 3)),
            "red less blue": (images[:, 0] - images[:, 2]).mean((1, 2)),
            "contrast": images.std((1, 2, 3)),
            "saturation": saturation[saturation > 0.25],  # of those that are not grey
            "left less right": left.mean(1) - right.mean(1),
        }

    expected = quantities(theirs)
    for name, values in quantities(ours).items():
        assert ks_2samp(values.numpy(), expected[name].numpy()).pvalue > 1e-3, name


def test_bytes_become_what_the_network_sees():
    packed = torch.tensor([0, 255, 51], dtype=torch.uint8).expand(1, 2, 2, 3)
    unit = to_unit(packed)
    assert unit.shape == (1, 3, 2, 2)
    torch.testing.assert_close(unit[0, :, 0, 0], torch.tensor([0.0, 1.0, 0.2]))
    expected = functional.normalize(unit, list(MEAN), list(STANDARD_DEVIATION))
    torch.testing.assert_close(normalise(unit), expected)
