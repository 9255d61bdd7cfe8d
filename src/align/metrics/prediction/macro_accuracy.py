"""Accuracy in which every class counts the same."""

from align.metrics.base import Explained, Values


def macro_accuracy(explained: Explained) -> dict[str, Values]:
    """Return N / (K n) for each image of N whose predicted class is the true one, and 0 for the others: N.

    K is the number of classes that occur, and n that of the images of the image's class. So the mean over all images is the mean
    of the classes' accuracies, in which every class counts the same. It is scikit-learn's ``balanced_accuracy_score``.
    """
    _, inverse, counts = explained.labels.unique(return_inverse=True, return_counts=True)
    weights = len(explained.labels) / (len(counts) * counts)
    return {"macro_accuracy": (explained.predicted == explained.labels) * weights[inverse]}
