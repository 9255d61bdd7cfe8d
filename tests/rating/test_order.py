"""The order of masks: balanced between methods, different between raters, and the same for the same seed."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.rating.order import balanced_orders


def study(methods, images, controlled, seed=0):
    names = [f"method{n}" for n in range(methods)]
    items = {(image, name): f"{image}/{name}" for image in range(images) for name in names}
    controls = {image: [f"{image}/truth", f"{image}/random"] for image in controlled}
    return names, controls, balanced_orders(items, names, images, controls, np.random.default_rng(seed))


@given(methods=st.integers(1, 5), images=st.integers(1, 9), seed=st.integers(0, 9))
def test_every_order_shows_each_mask_once_and_the_repeated_ones_twice(methods, images, seed):
    names, controls, orders = study(methods, images, range(0, images, 4), seed)
    expected = {f"{image}/{name}" for image in range(images) for name in names} | {c for both in controls.values() for c in both}
    assert len(orders) == methods
    for order in orders:
        first = [shown.item for shown in order if not shown.again]
        again = [shown.item for shown in order if shown.again]
        assert Counter(first) == Counter(expected)
        assert [item.split("/")[0] for item in sorted(again)] == sorted(map(str, controls))


@pytest.mark.parametrize("methods", [2, 4])
def test_methods_take_turns_in_every_block_and_between_raters(methods):
    images = 2 * methods
    names, _, orders = study(methods, images, [])
    for order in orders:
        for block in range(methods):
            shown = [item.item.split("/") for item in order[block * images : (block + 1) * images]]
            assert {image for image, _ in shown} == set(map(str, range(images)))  # each image once in a block
            assert Counter(name for _, name in shown) == dict.fromkeys(names, 2)  # each method equally often
    first_blocks = [{item.item for item in order[:images]} for order in orders]
    assert all(one.isdisjoint(other) for n, one in enumerate(first_blocks) for other in first_blocks[:n])


def test_a_mask_that_is_shown_again_was_shown_in_the_first_block():
    _, _, orders = study(3, 8, [0, 4])
    for order in orders:
        assert {shown.item for shown in order if shown.again} < {shown.item for shown in order[:12]}


def test_the_seed_decides():
    assert study(3, 8, [0, 4], seed=1) == study(3, 8, [0, 4], seed=1)
    assert study(3, 8, [0, 4], seed=1) != study(3, 8, [0, 4], seed=2)
