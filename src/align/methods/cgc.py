"""Contrastive Grad-CAM consistency (Pillai et al., CVPR 2022, arXiv:2110.00527)."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.augmentation.geometry import crop_and_resize, draw_crops
from align.methods.base import Batch, Method
from align.methods.settings import CGCSettings

CROP_RATIO = (3 / 4, 4 / 3)  # width over height; torchvision's default, which the authors use


class CGC(Method):
    """L = CE(x) + CE(T(x)) + λ InfoNCE(g(T(x)), T(g(x))).

    T is a random crop and flip. g is Grad-CAM of the class that is predicted for x.
    """

    settings: CGCSettings

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0, "cropped_classification": 1.0, "contrast": self.settings.contrast}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the three terms. Images and their crops share one forward pass."""
        images, labels = batch.images, batch.labels
        count, size = len(labels), images.shape[-1]
        boxes = draw_crops(count, size, (self.settings.smallest_crop, 1.0), CROP_RATIO, self.generator)
        mirrored = torch.rand(count, generator=self.generator, device=images.device) < self.settings.flip
        features = self.classifier.features(torch.cat((images, crop_and_resize(images, *boxes, mirrored))))
        logits, cropped_logits = self.classifier.classify(features).chunk(2)
        activation = class_activation(self.classifier, features, logits.argmax(1).repeat(2)).relu()
        # A map has few cells, and the edges of a crop lie between them. So maps are enlarged to image size before the crop.
        maps, cropped_maps = F.interpolate(activation[:, None], (size, size), mode="bilinear").chunk(2)
        return {
            "classification": F.cross_entropy(logits, labels),
            "cropped_classification": F.cross_entropy(cropped_logits, labels),
            "contrast": contrast(cropped_maps, crop_and_resize(maps, *boxes, mirrored), self.settings.temperature),
        }


def contrast(maps: Tensor, expected: Tensor, temperature: float) -> Tensor:
    """Return the InfoNCE loss of maps N×1×H×W, by cosine similarity.

    The positive of each map is its expected map (N×1×H×W). Its negatives are the other maps of the batch. A map of zeros has the
    same similarity to all maps, and no gradient.
    """
    maps, expected = F.normalize(maps.flatten(1)), F.normalize(expected.flatten(1))
    similarities = (maps @ maps.T).diagonal_scatter((maps * expected).sum(1))
    return F.cross_entropy(similarities / temperature, torch.arange(len(maps), device=maps.device))
