"""Area under the receiver operating characteristic."""

import torch.nn.functional as F
from torchmetrics.functional.classification import multilabel_auroc

from align.metrics.base import Aggregate, Explained, Values


def auc(explained: Explained) -> dict[str, Values]:
    """Return the macro average of the one-vs-rest ROC-AUC over the classes that occur, and how many do.

    With fewer than two classes there is nothing to tell apart, and no value.
    """
    targets = F.one_hot(explained.labels, explained.probabilities.shape[1])
    occurring = targets.any(dim=0)
    classes = int(occurring.sum())
    if classes < 2:
        return {}
    value = multilabel_auroc(explained.probabilities[:, occurring], targets[:, occurring], num_labels=classes)
    n = len(explained.labels)
    return {"auc": Aggregate(value.item(), n), "auc_classes": Aggregate(classes, n)}
