"""Grey levels of colour images."""

from torch import Tensor

# ITU-R 601 luma, as in torchvision.
LUMA = (0.2989, 0.587, 0.114)


def luma(images: Tensor) -> Tensor:
    """Return the grey levels N×1×H×W of RGB images N×3×H×W."""
    red, green, blue = images.unbind(1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue)[:, None]
