"""Masks that nothing learns: their range, their size, and the device on which they are computed."""

import zlib

import pytest
import torch

from align.imaging.normalisation import normalise
from align.masking.compositing import composite
from align.masking.degradation import dilated, eroded, replaced, shifted
from align.masking.fixed import centre_mask, grey_mask, random_mask, smooth
from align.masking.image_noise import image_seeded_noise

ELSEWHERE = torch.device("meta")
"""A device that is not the CPU and that every machine has. It computes shapes only, and refuses tensors of another device."""


def on(device, *shape):
    return torch.empty(shape, device=device)


@pytest.mark.parametrize(
    "compute",
    [
        lambda: grey_mask(on(ELSEWHERE, 2, 3, 8, 8)),
        lambda: centre_mask(on(ELSEWHERE, 2, 3, 8, 8)),
        lambda: random_mask(on(ELSEWHERE, 2, 3, 8, 8), torch.Generator()),
        lambda: smooth(on(ELSEWHERE, 2, 9), (8, 8)),
        lambda: composite(on(ELSEWHERE, 2, 3, 8, 8), on(ELSEWHERE, 2, 1, 8, 8), on(ELSEWHERE, 2, 3, 8, 8)),
        lambda: dilated(on(ELSEWHERE, 2, 1, 8, 8), 0.2),
        lambda: eroded(on(ELSEWHERE, 2, 1, 8, 8), 0.2),
        lambda: shifted(on(ELSEWHERE, 2, 1, 8, 8), 0.2, on(ELSEWHERE, 2)),
        lambda: replaced(on(ELSEWHERE, 2, 1, 8, 8), 0.2, on(ELSEWHERE, 2, 9), on(ELSEWHERE, 2, 9)),
    ],
    ids=["grey", "centre", "random", "smooth", "composite", "dilated", "eroded", "shifted", "replaced"],
)
def test_what_is_given_on_a_device_is_computed_there(compute):
    assert compute().device == ELSEWHERE


def test_a_grey_level_stays_between_black_and_white():
    """An augmented image may be darker than black or brighter than white."""
    images = normalise(torch.tensor([-0.5, 0.25, 1.5])[:, None, None, None].expand(3, 3, 2, 2))
    assert grey_mask(images)[:, 0, 0, 0].tolist() == pytest.approx([0, 0.25, 1], abs=1e-4)


def test_masks_have_the_height_and_the_width_of_the_images():
    images = torch.zeros(2, 3, 4, 6)
    assert centre_mask(images).shape == random_mask(images, torch.Generator()).shape == (2, 1, 4, 6)
    bell = centre_mask(images)[0, 0]
    assert torch.allclose(bell, bell.flip(0)) and torch.allclose(bell, bell.flip(1))
    assert bell[2, 0] < bell[0, 3]  # row 2 of 4 is near the middle, column 0 of 6 is not


def test_hidden_parts_show_the_reference_or_zero(generator):
    images, mask, reference = (torch.rand(shape, generator=generator) for shape in ((2, 3, 4, 4), (2, 1, 4, 4), (2, 3, 4, 4)))
    assert torch.equal(composite(images, mask, None), images * mask)
    expected = images.double() * mask.double() + reference.double() * (1 - mask.double())
    torch.testing.assert_close(composite(images, mask, reference).double(), expected, rtol=0, atol=1e-6)


def test_the_numbers_of_an_image_are_those_of_its_bytes():
    """Other noise would be other masks: those of a finished run could not be computed again."""
    pixels = torch.randint(0, 256, (2, 3, 4, 4), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    seeds = [zlib.crc32(image.numpy().tobytes()) for image in pixels]
    expected = [torch.rand(5, generator=torch.Generator().manual_seed(seed)).tolist() for seed in seeds]
    assert image_seeded_noise(normalise(pixels / 255), 5).tolist() == expected
