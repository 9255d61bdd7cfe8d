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
    without = count_given_masks([packed_images(5, 0), packed_images(3, 1)], None)
    assert without == {"training_images": 8, "training_images_with_masks": None}
    some = count_given_masks([with_masks(5, 2), with_masks(4, 0)], "ground_truth")
    assert some == {"training_images": 9, "training_images_with_masks": 2}


def test_a_method_that_is_given_true_masks_needs_one():
    nothing = [with_masks(5, 0), with_masks(4, 0)]
    with pytest.raises(InputError, match="found no true mask for any of 9 training images"):
        count_given_masks(nothing, "ground_truth")
    assert count_given_masks(nothing, "sam")["training_images_with_masks"] == 0
