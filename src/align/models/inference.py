"""A faster copy of a classifier, for predictions only."""

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from align.models.classifier import Classifier


def fuse_batch_normalisation(classifier: Classifier) -> Classifier:
    """Return a copy in which every batch normalisation is fused into the convolution before it.

    In evaluation mode a batch normalisation is linear, so the copy predicts the same up to rounding. It saves a pass over each
    feature map.

    Args:
        classifier: in evaluation mode. Its modules must list their convolutions and normalisations in the order of their use.
    """
    copied = copy.deepcopy(classifier)
    for module in copied.modules():
        for (name, convolution), (normalisation_name, normalisation) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(convolution, normalisation))
                setattr(module, normalisation_name, nn.Identity())
    return copied
