"""A classifier that only predicts."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from align.models.classifier import Classifier


def folded(classifier: Classifier) -> Classifier:
    """Return a copy in which each convolution does the work of the batch normalisation after it.

    In evaluation mode that is linear, so that the predictions are the same but for rounding, with a pass over each feature
    map less.

    Args:
        classifier: in evaluation mode; its modules list their convolutions and normalisations in the order of their use.
    """
    copied = copy.deepcopy(classifier)
    for module in copied.modules():
        for (name, convolution), (normalisation_name, normalisation) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, normalisation))
                setattr(module, normalisation_name, nn.Identity())
    return copied
