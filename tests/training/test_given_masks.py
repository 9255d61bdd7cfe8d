"""How many training images have a given mask."""

from dataclasses import replace

import numpy as np
import pytest
from small_runs import SIZE, packed_images

from align.errors import InputError
from align.training.data import count_given_masks


def with_masks(count, known):
    masks = np.full((count, SIZE, SIZE), 255, np.uint8)
    masks[:known] = 0
    return replace(packed_images(count, 0), given_masks=masks)


def test_images_with_masks_are_counted_over_the_source_domains():
    assert count_given_masks([packed_images(5, 0), packed_images(3, 1)]) == {
        "training_images": 8,
        "training_images_with_masks": None,
    }
    assert count_given_masks([with_masks(5, 2), with_masks(4, 0)]) == {"training_images": 9, "training_images_with_masks": 2}


def test_a_method_that_is_given_masks_needs_one():
    with pytest.raises(InputError, match="found no mask for any of 9 training images"):
        count_given_masks([with_masks(5, 0), with_masks(4, 0)])
