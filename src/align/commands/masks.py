"""`align masks`: the learned masks of a folder of photographs, as grey PNG files of the photographs' own sizes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from align.commands.photographs import Found, explained
from align.errors import InputError
from align.files import whole_file
from align.trained.model import Model


def write_masks(model: Model, photographs: Sequence[Found], out: Path) -> list[InputError]:
    """Write ``<name>.png`` for each photograph: 8-bit grey, from 0 (not relevant) to 255, with its width and height.

    With ``resize: crop`` the network sees the centred square only. Outside of it a mask is 0. A photograph that cannot be read is
    passed over.

    Args:
        model: a trained model with a masker.
        photographs: the photographs.
        out: the folder of the masks.

    Returns:
        Why photographs were passed over.

    Raises:
        InputError: the model has no masker.
    """
    if not model.learns_masks:
        raise InputError(
            f"{model.folder}: found a run of {model.name}, which learns no masks, expected one with a masker, such as align; "
            "name another run"
        )
    errors: list[InputError] = []
    for name, explanation in explained(model, photographs, "grad_cam", errors):
        photograph, mask = explanation.photograph, explanation.mask
        assert mask is not None
        whole = model.view.on_photograph(mask, photograph.width, photograph.height)
        with whole_file(out / name.with_name(f"{name.name}.png")) as partial:
            Image.fromarray((255 * whole + 0.5).astype(np.uint8)).save(partial)
    return errors
