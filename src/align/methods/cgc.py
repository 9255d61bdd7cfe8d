"""Contrastive Grad-CAM consistency (Pillai et al., CVPR 2022, arXiv:2110.00527)."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.augmentation.geometry import crop_and_resize, draw_crops
from align.imaging.normalisation import normalise
from align.methods.base import Batch, Method
from align.methods.settings import CGCSettings
from align.methods.views import view_features

CROP_RATIO = (3 / 4, 4 / 3)  # width over height; torchvision's default, which the authors use
LEAST = 1e-8  # the authors add it to each pixel of a map, so that a map of zeros is an even one


class CGC(Method):
    """L = CE(a) + CE(x) + CE(T(x)) + λ InfoNCE(g(T(x)), T(g(x))).

    x is the plain image and a the augmented image, on which every other method trains. T is a random crop and flip. g is Grad-CAM
    of the class that is predicted for x.
    """

    settings: CGCSettings

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        crossed = dict.fromkeys(("classification", "plain_classification", "cropped_classification"), 1.0)
        return crossed | {"contrast": self.settings.contrast}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the four terms. The batch must have its plain images."""
        assert batch.plain is not None
        plain, labels = normalise(batch.plain), batch.labels
        count, size = len(labels), plain.shape[-1]
        boxes = draw_crops(count, size, (self.settings.smallest_crop, 1.0), CROP_RATIO, self.generator)
        mirrored = torch.rand(count, generator=self.generator, device=plain.device) < self.settings.flip
        views = (batch.images, plain, crop_and_resize(plain, *boxes, mirrored))
        features = view_features(self.classifier, views, self.settings.forward_passes)
        logits, plain_logits, cropped_logits = map(self.classifier.classify, features)
        predicted = plain_logits.argmax(1)
        maps, cropped_maps = (self.enlarged_grad_cam(some, predicted, size) for some in features[1:])
        return {
            "classification": F.cross_entropy(logits, labels),
            "plain_classification": F.cross_entropy(plain_logits, labels),
            "cropped_classification": F.cross_entropy(cropped_logits, labels),
            "contrast": contrast(cropped_maps, crop_and_resize(maps, *boxes, mirrored), self.settings.temperature),
        }

    def enlarged_grad_cam(self, features: Tensor, labels: Tensor, size: int) -> Tensor:
        """Return Grad-CAM maps N×1×size×size whose pixels have the sum 1, of feature maps N×C×h×w with N labels.

        A map has few cells, and the edges of a crop lie between them. So maps are enlarged to image size before the crop.
        """
        activation = class_activation(self.classifier, features, labels).relu()
        maps = F.interpolate(activation[:, None], (size, size), mode="bilinear")
        return maps / (maps.sum((2, 3), keepdim=True) + LEAST) + LEAST


def contrast(maps: Tensor, expected: Tensor, temperature: float) -> Tensor:
    """Return the InfoNCE loss of maps N×1×H×W, by cosine similarity.

    The positive of each map is its expected map (N×1×H×W). Its negatives are the other maps of the batch.
    """
    maps, expected = F.normalize(maps.flatten(1)), F.normalize(expected.flatten(1))
    similarities = (maps @ maps.T).diagonal_scatter((maps * expected).sum(1))
    return F.cross_entropy(similarities / temperature, torch.arange(len(maps), device=maps.device))
