"""Foreground maps from Segment Anything (Kirillov et al., arXiv:2304.02643), by the transformers library."""

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

from align.errors import InputError
from align.files import whole_file
from align.imaging.masks import FULL, UNKNOWN
from align.preparation.packing import write_header
from align.segmentation.foreground import foreground
from align.segmentation.settings import SegmentAnythingSettings

STABILITY_OFFSET = 1.0  # of the logits; the authors' code


def load_segment_anything(folder: Path, device: torch.device) -> tuple[SamModel, SamImageProcessor]:
    """Load a checkpoint from its folder: tensors only, no code of its own, nothing from a network.

    Raises:
        InputError: the folder cannot be read, or does not hold all of a SamModel.
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
    except Exception as error:  # a broken file makes the libraries raise almost anything
        reason = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise InputError(
            f"segment_anything.checkpoint: {folder}: found no SamModel and SamProcessor that can be read ({reason}); "
            "restore the folder or name another one"
        ) from None
    model, report = loaded
    if wrong := sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}):  # left random
        raise InputError(
            f"segment_anything.checkpoint: {folder}: found {len(wrong)} tensors missing or of another shape ({wrong[0]}, …), "
            "expected all of the SamModel in config.json; restore the folder or name another one"
        )
    return model.to(device).eval(), processor


@torch.no_grad()
def automatic_masks(
    model: SamModel, processor: SamImageProcessor, image: npt.NDArray[np.uint8], settings: SegmentAnythingSettings
) -> tuple[Tensor, Tensor]:
    """Return every mask that the model is sure of, asked at each point of a grid (section 5, "segment everything").

    Args:
        model: on its device.
        processor: what scales and normalises an image for ``model``.
        image: S×S×3.
        settings: the grid, and how sure is sure.

    Returns:
        Masks K×S×S, boolean, and the IoU that the model predicts for each, K. The same thing is found from many points:
        duplicates are left in, since a union is the same with them.
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
    """Return the side² centres (x, y) of as many equal squares that fill the unit square, side²×2."""
    centres = (torch.arange(side) + 0.5) / side
    return torch.cartesian_prod(centres, centres)


def segment_domain(
    model: SamModel, processor: SamImageProcessor, images: npt.NDArray[np.uint8], settings: SegmentAnythingSettings, path: Path
) -> int:
    """Write each image's foreground map as uint8 N×S×S: 0 to 254, 255 everywhere in an image where nothing was found.

    Images are read and maps are written one after the other, so that memory does not grow with their number.

    Args:
        model: on its device.
        processor: what scales and normalises an image for ``model``.
        images: N×S×S×3.
        settings: how masks are found and merged.
        path: the ``.npy`` file.

    Returns:
        The number of images where nothing was found.
    """
    unknown = 0
    with whole_file(path) as partial, partial.open("wb") as maps:  # a full disk kills whoever writes to a mapped file
        write_header(maps, images.shape[:3])
        for image in images:
            masks, scores = automatic_masks(model, processor, image, settings)
            merged = foreground(masks, scores, settings.largest_area, settings.largest_border)
            found = bool(merged.any())
            row = merged.mul(FULL).round().to(torch.uint8) if found else torch.full_like(merged, UNKNOWN, dtype=torch.uint8)
            maps.write(row.cpu().numpy().tobytes())
            unknown += not found
    return unknown
