"""Accuracy."""

from align.metrics.base import Explained, Values


def accuracy(explained: Explained) -> dict[str, Values]:
    """Return for each image whether the predicted class is the true one."""
    return {"accuracy": (explained.predicted == explained.labels).float()}
