"""Accuracy in which every class counts the same."""

from align.metrics.base import Explained, Values


def macro_accuracy(explained: Explained) -> dict[str, Values]:
    """Return for each image whether the predicted class is the true one, weighted so that every class counts the same.

    Of N images, n of one of the K classes that occur, each of the n has the weight N / (K n). So the mean over all images is the
    mean of the classes' accuracies, which is scikit-learn's ``balanced_accuracy_score``.
    """
    _, inverse, counts = explained.labels.unique(return_inverse=True, return_counts=True)
    weights = len(explained.labels) / (len(counts) * counts)
    return {"macro_accuracy": (explained.predicted == explained.labels) * weights[inverse]}
