"""What the tests of several methods share: small networks, and the terms of their losses computed independently, in numpy."""

import copy

import numpy as np
import torch
from scipy.special import log_softmax

from align.methods.attribution_mixup import mixing_ratios, same_class_partners
from align.models.settings import ClassifierSettings
from align.training.settings import TrainingSettings

SMALL = ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 8))
TRAINING = TrainingSettings(learning_rate=1e-2)
SIZE = 24


def generator_of(seed):
    return torch.Generator().manual_seed(seed)


def state_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def unchanged(network, before):
    return all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def count_calls(module, counted):
    module.register_forward_hook(lambda module, arguments, output: counted.append(len(output)))
    return counted


# What an independent computation of the terms needs, in numpy.


def as_numpy(*tensors):
    return [tensor.detach().double().numpy() for tensor in tensors]


def numpy_cross_entropy(logits, labels):
    return -log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean()


def numpy_scaled(maps):
    flat = maps.reshape(len(maps), -1)
    low, high = flat.min(1)[:, None, None], flat.max(1)[:, None, None]
    return (maps - low) / np.where(high > low, high - low, 1)


def numpy_maps_and_logits(classifier, features, labels):
    """Class activation maps and logits of feature maps, from the head's weights."""
    (features, weight, bias), labels = as_numpy(features, classifier.head.weight, classifier.head.bias), labels.numpy()
    maps = (weight[labels][:, :, None, None] * features).sum(1) / features[0, 0].size
    return maps, features.mean((2, 3)) @ weight.T + bias


def numpy_class_mean(values, labels, classes):
    """The mean within each class that occurs, summed and divided by the number of all classes: the loop of DRE's authors."""
    labels = labels.numpy()
    return sum(values[labels == label].mean() for label in range(classes) if (labels == label).any()) / classes


def numpy_dre_terms(settings, maps, mixed_maps, mixed_logits, labels, partners, ratios):
    """The three terms that DRE adds to the cross-entropy, from unscaled maps N×h×w and logits N×K of N images."""
    g, mixed_g = numpy_scaled(maps), numpy_scaled(mixed_maps)
    norms = [
        some.mean((1, 2)) if settings.sparsity_norm == "mean" else np.array([image.max(0).mean() for image in some])
        for some in (g, mixed_g)
    ]
    cross_entropies = -log_softmax(mixed_logits, axis=1)[np.arange(len(labels)), labels]
    by_image = {
        "consistency": np.abs(mixed_g - (ratios * g + (1 - ratios) * g[partners])).mean((1, 2)),
        "sparsity": (norms[0] + norms[1]) / 2,
        "mixed_classification": cross_entropies,
    }
    return {name: numpy_class_mean(values, labels, mixed_logits.shape[1]) for name, values in by_image.items()}


def view_forward(classifier, views, passes="separate"):
    """Features of all views one after the other, each normalised by its own statistics or all by shared ones."""
    with torch.no_grad():
        if passes == "shared":
            return copy.deepcopy(classifier).features(torch.cat(views))
        return torch.cat([copy.deepcopy(classifier).features(view) for view in views])


def mixed_forward(method, batch, seed):
    """Features of clean and mixed images, partners and ratios, from the generator's state at ``seed``."""
    drawn = generator_of(seed)
    partners = same_class_partners(batch.labels, drawn)
    ratios = mixing_ratios(len(batch.labels), method.settings.beta, drawn)
    share = ratios[:, None, None, None]
    mixed = share * batch.images + (1 - share) * batch.images[partners]
    features = view_forward(method.classifier, (batch.images, mixed), method.settings.forward_passes)
    return features, partners.numpy(), as_numpy(ratios)[0][:, None, None]
