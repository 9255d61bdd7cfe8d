"""Empirical risk minimisation (Vapnik, 1998): the cross-entropy alone."""

import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Method


class ERM(Method):
    """L = CE(f(x), y)."""

    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the cross-entropy."""
        return {"classification": F.cross_entropy(self.classifier(images), labels)}
