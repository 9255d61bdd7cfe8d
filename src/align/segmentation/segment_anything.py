"""Foreground maps from Segment Anything (Kirillov et al., arXiv:2304.02643), in the transformers library's implementation."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from transformers import SamImageProcessor, SamModel
from transformers.utils import logging

from align.errors import InputError, first_line
from align.segmentation.foreground import foreground
from align.segmentation.settings import SegmentAnythingSettings
from align.segmentation.writing import write_masks

STABILITY_OFFSET = 1.0  # change of the threshold on the logits, as in the authors' code


def load_segment_anything(folder: Path, device: torch.device) -> tuple[SamModel, SamImageProcessor]:
    """Load a checkpoint from its folder. Only tensors are read, no code of the checkpoint runs, and no network is used.

    Raises:
        InputError: the folder cannot be read, or does not hold all tensors of a SamModel.
    """
    logging.disable_progress_bar()
    try:
        processor = SamImageProcessor.from_pretrained(folder, local_files_only=True)
        loaded: Any = SamModel.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except Exception as error:  # on a broken file, the libraries raise almost any error
        raise InputError(
            f"segment_anything.checkpoint: {folder}: found no SamModel and SamProcessor that can be read ({first_line(error)}); "
            "restore the folder or name another one"
        ) from None
    model, report = loaded
    # The library leaves these tensors at random values.
    if wrong := sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}):
        raise InputError(
            f"segment_anything.checkpoint: {folder}: found {len(wrong)} tensors missing or of another shape ({wrong[0]}, …), "
            "expected all of the SamModel in config.json; restore the folder or name another one"
        )
    return model.to(device).eval(), processor


@torch.no_grad()
def automatic_masks(
    model: SamModel, processor: SamImageProcessor, image: npt.NDArray[np.uint8], settings: SegmentAnythingSettings
) -> tuple[Tensor, Tensor]:
    """Prompt the model at each point of a grid and return the masks that it is sure of (section 5, "segment everything").

    Args:
        model: on its device.
        processor: scales and normalises an image for ``model``.
        image: S×S×3.
        settings: the grid, and the least predicted IoU and stability of a mask.

    Returns:
        Masks K×S×S, bool, and the IoU that the model predicts for each, K. Many points find the same object. Such duplicates stay
        in, since they do not change the union.
    """
    pixels = processor(images=Image.fromarray(image), return_tensors="pt")["pixel_values"].to(model.device)
    embedding = model.get_image_embeddings(pixels)
    masks, scores = [], []
    for points in grid(settings.points_per_side).mul(pixels.shape[-1]).split(settings.points_per_batch):
        answer = model(image_embeddings=embedding, input_points=points[None, :, None].to(model.device))
        logits = F.interpolate(answer.pred_masks.flatten(0, 1), image.shape[:2], mode="bilinear").flatten(0, 1)
        predicted = answer.iou_scores.flatten()
        narrow, wide = ((logits > threshold).sum((1, 2)) for threshold in (STABILITY_OFFSET, -STABILITY_OFFSET))
        sure = (predicted > settings.predicted_iou) & (narrow / wide > settings.stability)
        masks.append(logits[sure] > 0)
        scores.append(predicted[sure])
    return torch.cat(masks), torch.cat(scores)


def grid(side: int) -> Tensor:
    """Divide the unit square into side² equal squares and return their centres (x, y), side²×2."""
    centres = (torch.arange(side) + 0.5) / side
    return torch.cartesian_prod(centres, centres)


def segment_domain(
    model: SamModel, processor: SamImageProcessor, images: npt.NDArray[np.uint8], settings: SegmentAnythingSettings, path: Path
) -> int:
    """Write the foreground maps of images as uint8 N×S×S: 0 to 254, or 255 everywhere in an image without a foreground.

    Args:
        model: on its device.
        processor: scales and normalises an image for ``model``.
        images: N×S×S×3.
        settings: how masks are found and merged.
        path: the ``.npy`` file to write.

    Returns:
        The number of images without a foreground.
    """

    def foreground_of(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
        masks, scores = automatic_masks(model, processor, image, settings)
        merged = foreground(masks, scores, settings.largest_area, settings.largest_border)
        return merged.cpu().numpy() if merged.any() else None

    return write_masks(images, foreground_of, path)
