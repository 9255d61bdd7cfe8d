"""Masks of a network that finds the salient object of any image: a general segmenter that knows nothing of the task.

It stands beside Segment Anything for those who have no checkpoint of it. The network is an ONNX file, such as U²-Net's (Qin et
al., Pattern Recognition 106, 2020). Its authors' code divides an image by its largest value, and then normalises it as for
ImageNet. We do the same. Their code also stretches each mask to the range from 0 to 1. We do not, so that an image without an
object has no mask.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions
from PIL import Image

from align.errors import InputError, first_line
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION

LEAST = 0.5
"""A mask whose values are all below it shows no object."""


def load_salient_object_model(path: Path) -> InferenceSession:
    """Load a network from an ONNX file. It computes on the CPU with one thread.

    Raises:
        InputError: the file is missing or no ONNX network, or the network does not take one square colour image.
    """
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises classes of its own
        raise InputError(
            f"salient_object.model: {path}: found no ONNX network ({first_line(error)}), expected one such as u2netp.onnx; "
            "restore the file or name another one"
        ) from None
    shape, outputs = session.get_inputs()[0].shape, session.get_outputs()[0].shape
    _, channels, height, width = shape if len(shape) == 4 else (None,) * 4
    if len(session.get_inputs()) != 1 or channels != 3 or not isinstance(height, int) or height != width or len(outputs) != 4:
        raise InputError(
            f"salient_object.model: {path}: found a network from {[list(i.shape) for i in session.get_inputs()]} to {outputs}, "
            "expected one input N×3×S×S, with S a number, and masks N×1×S×S; name another file"
        )
    return session


def salient_mask(session: InferenceSession, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
    """Return the mask of the salient object of an image, None where there is none.

    Args:
        session: the network.
        image: H×W×3, of any size.

    Returns:
        H×W in [0, 1].
    """
    entry = session.get_inputs()[0]
    side = entry.shape[-1]
    pixels = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR), np.float32)
    normalised = (pixels / max(float(pixels.max()), 1.0) - np.array(MEAN)) / np.array(STANDARD_DEVIATION)
    found = session.run(None, {entry.name: normalised.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    mask = np.clip(np.asarray(Image.fromarray(found).resize(image.shape[1::-1], Image.Resampling.BILINEAR)), 0, 1)
    return mask if mask.max() >= LEAST else None
