"""The order in which masks are shown: balanced between methods, different between raters, and drawn from a seed."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np


class Shown(NamedTuple):
    """One mask on the screen.

    Attributes:
        item: the name of the mask. It says nothing about the method.
        again: whether the rater has seen this mask before, to test how consistent the ratings are.
    """

    item: str
    again: bool


def balanced_orders(
    items: Mapping[tuple[int, str], str],
    methods: Sequence[str],
    images: int,
    controls: Mapping[int, Sequence[str]],
    random: np.random.Generator,
) -> list[list[Shown]]:
    """Return one order for each method. Raters take them by turns.

    An order has as many blocks as there are methods. A block shows each image once. The method moves on by one from image to
    image and from block to block (a Latin square), so every method is shown equally often early and late. The orders begin at
    different methods. Within a block the images are shuffled, and the controls lie in different blocks.

    Args:
        items: the name of the mask of each image (its number) by each method.
        methods: K methods.
        images: the number of images.
        controls: names of the control masks of some images. One mask of the first block of each of these images is shown again.
        random: shuffles.

    Returns:
        K orders.
    """
    return [_order(items, methods, images, controls, start, random) for start in range(len(methods))]


def _order(
    items: Mapping[tuple[int, str], str],
    methods: Sequence[str],
    images: int,
    controls: Mapping[int, Sequence[str]],
    start: int,
    random: np.random.Generator,
) -> list[Shown]:
    blocks = [
        [Shown(items[image, methods[(image + block + start) % len(methods)]], False) for image in range(images)]
        for block in range(len(methods))
    ]
    again = [shown._replace(again=True) for image, shown in enumerate(blocks[0]) if image in controls]
    spread = [Shown(item, False) for names in controls.values() for item in names]
    for block in blocks:
        random.shuffle(block)
    for position, control in enumerate(spread):
        block = blocks[position % len(blocks)]
        block.insert(int(random.integers(len(block) + 1)), control)
    random.shuffle(again)
    return [shown for block in blocks for shown in block] + again
