"""Makes the given masks of a run with the networks of another run, which has finished."""

from dataclasses import replace

import numpy as np
import torch

from align.errors import InputError
from align.imaging.masks import FULL
from align.methods.base import Method
from align.preparation.packed import Packed
from align.training.images import on_device

BATCH = 128


def with_learned_masks(packed: Packed, teacher: Method, device: torch.device) -> Packed:
    """Return ``packed`` with the masks of ``teacher`` as given masks.

    Args:
        packed: the images.
        teacher: a trained method in evaluation mode, on ``device``.
        device: where to compute.

    Raises:
        InputError: the teacher makes no masks.
    """
    masks = np.empty(packed.images.shape[:3], np.uint8)
    for start in range(0, len(masks), BATCH):
        some = slice(start, start + BATCH)
        part = Packed(packed.images[some], packed.labels[some], packed.paths[some], None)
        made = teacher.used_masks(on_device([part], device).batch())
        if made is None:
            raise InputError("mask: learned: found a teacher that makes no masks, expected one whose settings let it learn masks")
        masks[some] = made.mul(FULL).round().to(torch.uint8).cpu().numpy()
    return replace(packed, given_masks=masks)
