"""ERM on images with a blurred background: the study of mask quality at the start of the ALIGN paper (arXiv:2511.06944)."""

import torch
from torch import Tensor

from align.imaging.blur import scaled_blur
from align.masking.compositing import composite
from align.masking.degradation import CELLS, dilated, eroded, replaced, shifted
from align.masking.fixed import RANDOM_CELLS, centre_mask, grey_mask, smooth
from align.masking.image_noise import image_seeded_noise
from align.methods.base import Batch
from align.methods.erm import ERM
from align.methods.settings import MaskedERMSettings


class MaskedERM(ERM):
    """L = CE(f(x ⊙ M + x̄ ⊙ (1 − M)), y), where x̄ is the blurred x. Test images are masked in the same way.

    All random numbers are computed from the pixels, none with the method's generator. So the same pixels always have the same
    mask. An augmented image has other pixels, and so its own random mask or shift.
    """

    settings: MaskedERMSettings

    def view(self, batch: Batch) -> Tensor:
        """Return the images with a blurred background. An image with an unknown mask is not changed."""
        masks = self.soft_masks(batch)
        if masks is None:
            return batch.images
        return composite(batch.images, masks.nan_to_num(nan=1.0), scaled_blur(batch.images, self.settings.blur))

    def used_masks(self, batch: Batch) -> Tensor | None:
        """Return the masks N×H×W after their degradation. An unknown mask is NaN. None if nothing is masked."""
        masks = self.soft_masks(batch)
        return None if masks is None else masks.squeeze(1)

    def soft_masks(self, batch: Batch) -> Tensor | None:
        """Return :meth:`used_masks` with the shape N×1×H×W."""
        match self.settings.mask:
            case "none":
                return None
            case "grey":
                masks = grey_mask(batch.images)
            case "centre":
                masks = centre_mask(batch.images)
            case "random":
                masks = smooth(image_seeded_noise(batch.images, RANDOM_CELLS**2), batch.images.shape[-2:])
            case "ground_truth" | "folder" | "sam" | "salient_object" | "learned":
                assert batch.given_masks is not None
                masks = batch.given_masks
        return self.degraded_masks(masks, batch.images)

    def degraded_masks(self, masks: Tensor, images: Tensor) -> Tensor:
        """Return ``masks`` (N×1×H×W) of ``images`` with the degradation of the settings. An unknown mask stays NaN."""
        degree = self.settings.degree
        match self.settings.degradation:
            case "none":
                return masks
            case "eroded":
                return eroded(masks, degree)
            case "dilated":
                return dilated(masks, degree)
            case "shifted":
                degraded = shifted(masks, degree, image_seeded_noise(images, 1).squeeze(1))
            case "random":
                order, coins = image_seeded_noise(images, 2 * CELLS**2).chunk(2, dim=1)
                degraded = replaced(masks, degree, order, coins.round())
        return degraded.where(~masks.isnan(), torch.nan)
