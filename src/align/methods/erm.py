"""Empirical risk minimisation (Vapnik, 1998): only the cross-entropy."""

import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Method


class ERM(Method):
    """L = CE(f(x), y)."""

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of the images that the classifier sees."""
        return {"classification": F.cross_entropy(self.classifier(self.view(batch)), batch.labels)}
