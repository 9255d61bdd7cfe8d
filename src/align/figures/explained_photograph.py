"""One photograph with what a model says about it: the prediction, its saliency map and the learned mask, side by side."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from align.figures.case_studies import overlay
from align.trained.model import Explanation

SIDE, GAP, LINE = 256, 8, 26  # pixels
INK, PAPER = (17, 17, 17), (255, 255, 255)


def explained_photograph(explanation: Explanation, answer: str) -> Image.Image:
    """Return the square that the network saw, the map of its prediction over it, and the mask if there is one.

    Args:
        explanation: what a model says about the photograph.
        answer: the line of text above the pictures.
    """
    square, mask = explanation.photograph.square, explanation.mask
    panels = [("photograph", square), ("explanation", _bytes(overlay(square, explanation.saliency)))]
    if mask is not None:
        panels.append((f"mask, area {mask.mean():.2f}", np.repeat(_bytes(mask)[..., None], 3, axis=2)))
    picture = Image.new("RGB", (len(panels) * (SIDE + GAP) - GAP, SIDE + 2 * LINE), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(16)
    draw.text((2, 3), answer, INK, font)
    for position, (name, pixels) in enumerate(panels):
        left = position * (SIDE + GAP)
        picture.paste(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR), (left, LINE))
        draw.text((left + 2, LINE + SIDE + 3), name, INK, font)
    return picture


def _bytes(values: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    """Return values in [0, 1] as bytes."""
    return (255 * values + 0.5).astype(np.uint8)
