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


def mixed_forward(method, batch, seed):
    """Features of clean and mixed images, partners and ratios, from the generator's state at ``seed``."""
    drawn = generator_of(seed)
    partners = same_class_partners(batch.labels, drawn)
    ratios = mixing_ratios(len(batch.labels), method.settings.beta, drawn)
    share = ratios[:, None, None, None]
    mixed = share * batch.images + (1 - share) * batch.images[partners]
    with torch.no_grad():
        features = copy.deepcopy(method.classifier).features(torch.cat((batch.images, mixed)))
    return features, partners.numpy(), as_numpy(ratios)[0][:, None, None]
