"""What a model says of images of one pixel, for tests of metrics of predictions and of what is written of them."""

import torch

from align.metrics.base import Explained
from align.metrics.settings import EvaluationSettings


def explained(probabilities, labels, images=None, pairs=None):
    """Predictions with flat saliency maps; of blank images unless given."""
    n = len(labels)
    return Explained(
        images=torch.zeros(n, 3, 1, 1) if images is None else images,
        labels=torch.as_tensor(labels),
        probabilities=torch.as_tensor(probabilities, dtype=torch.float32),
        saliency=torch.zeros(n, 1, 1),
        class_saliency=torch.zeros(n, 1, 1),
        ground_truth=None,
        learned_mask=None,
        pairs=pairs,
        predict=lambda images: images,
        batch_size=2,
        settings=EvaluationSettings(),
    )
