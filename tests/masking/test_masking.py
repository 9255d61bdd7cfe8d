"""Masks that nothing learns: their range, their size, and the device on which they are computed."""

import pytest
import torch

from align.imaging.normalisation import normalise
from align.masking.compositing import composite
from align.masking.degradation import dilated, eroded, replaced, shifted
from align.masking.fixed import centre_mask, grey_mask, random_mask, smooth

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
