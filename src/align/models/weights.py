"""Initial weights from torchvision, or from a file that need not be trusted. Its names and keys may be anybody's."""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights

from align.errors import InputError
from align.models.tensor_file import read_tensors
from align.models.weights_file import require_weights_file, some, weights_file

LOG = logging.getLogger("align")
COUNTER = "num_batches_tracked"  # torch before 0.4.1 had none, and no number depends on it
SIGNS_OF_OTHERS: Mapping[str, str] = {
    "layer1.0.conv3.": "a ResNet with bottlenecks, such as ResNet-50",
    "layer1.2.conv2.": "a deeper ResNet, such as ResNet-34",
    "conv1.3.weight": "a ResNet with a deep stem, such as timm's resnet18d",
    "shortcut.0.weight": "a ResNet for images of 32×32 pixels",
    "embedder.embedder.": "a ResNet of the transformers library, which has other names; timm and torchvision have these names",
    "stem.conv1.": "a ResNet of detectron2, which has other names",
    "patch_embed": "a vision transformer",
    "class_token": "a vision transformer",
    "cls_token": "a vision transformer",
    "denseblock1.": "a DenseNet",
    "stages.0.": "a ConvNeXt or RegNet",
    "features.0.": "a VGG, MobileNet or EfficientNet",
    "conv_stem.": "an EfficientNet or MobileNet of timm",
}
"""Parts of names by which other architectures are known. The first that is found counts."""


class Found(NamedTuple):
    """A place in a file where tensors of a network are.

    Attributes:
        prefix: what stands before the names of the network, with the last dot.
        naming: the names that the network may have in a file, with its own names.
        names: the names of the tensors that are there, by the network's own names.
    """

    prefix: str
    naming: Mapping[str, str]
    names: Mapping[str, str]

    def __str__(self) -> str:
        return f"under {self.prefix!r}" if self.prefix else "without a prefix"


def load_weights(network: nn.Module, source: str) -> str:
    """Load weights into a ResNet-18 without its head. Return one line that says what was loaded, missing and ignored.

    The network is found in a file by its names. Anything may stand before them, as long as it is the same for all.

    Args:
        network: the network.
        source: a name of torchvision's weights, such as ``IMAGENET1K_V1``, or a file.

    Raises:
        InputError: the file cannot be read, holds no or several such networks, or values that are not finite; or a download
            fails. The network is then as it was.
    """
    file = weights_file(source)
    if file is None:
        where, tensors = f"torchvision's {source}", _download(source)
    else:
        require_weights_file(file)
        where, tensors = str(file), read_tensors(file)
    found = find_network(network, tensors, where)
    _require_finite(found.names.values(), tensors, where)
    expected = network.state_dict()
    values = {own: tensors[name].reshape(expected[own].shape) for own, name in found.names.items()}
    network.load_state_dict(expected | values)
    line = (
        f"initial weights: {where}: loaded {len(found.names)} of {len(expected)} tensors {found}; "
        f"missing: {some(expected.keys() - found.names.keys())}; ignored: {some(tensors.keys() - {*found.names.values()})}"
    )
    LOG.info("%s", line)
    return line


def find_network(network: nn.Module, tensors: Mapping[str, Tensor], where: str) -> Found:
    """Return the one place in a file where a network is.

    Args:
        network: the network. In the file its children may also be numbered, as ``nn.Sequential`` numbers them.
        tensors: the file's tensors by name.
        where: the name of the file, for messages.

    Raises:
        InputError: the network is nowhere in the file, or several networks with different values are.
    """
    expected = network.state_dict()
    places = [place for naming in _namings(network) for place in _places(naming, tensors)]
    fitting = [place for place in places if not _problems(place, expected, tensors)]
    different = [one for number, one in enumerate(fitting) if not any(_same(one, other, tensors) for other in fitting[:number])]
    if len(different) > 1:
        raise InputError(
            f"{where}: found {len(different)} networks with different weights ({', '.join(map(str, different))}), expected one; "
            "save the one that you mean in a file of its own, as docs/data.md shows"
        )
    if not different:
        raise _unfit(places, expected, tensors, where)
    return different[0]


def _download(name: str) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = ResNet18_Weights[name].get_state_dict(check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, or a wrong checksum
        raise InputError(
            f"classifier.weights: {name} could not be downloaded ({error}); try again with a network, or name a file"
        ) from None
    return state


def _namings(network: nn.Module) -> list[dict[str, str]]:
    """Return the names that a network may have in a file, each time with its own names: its own, and with numbered children."""
    own = list(network.state_dict())
    numbers = {child: str(number) for number, (child, _) in enumerate(network.named_children())}
    parts = [name.partition(".") for name in own]
    numbered = [numbers.get(child, child) + dot + rest for child, dot, rest in parts]
    return [dict(zip(own, own)), dict(zip(numbered, own))]


def _places(naming: Mapping[str, str], tensors: Iterable[str]) -> list[Found]:
    """Return every prefix under which some of a network's names are, in the order of the file."""
    places: dict[str, dict[str, str]] = {}
    for name in tensors:
        parts = name.split(".")
        for start in range(len(parts)):
            own = naming.get(".".join(parts[start:]))
            if own is not None:
                places.setdefault("".join(f"{part}." for part in parts[:start]), {})[own] = name
    return [Found(prefix, naming, names) for prefix, names in places.items()]


def _problems(place: Found, expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> list[str]:
    """Return why the tensors at a place are not the expected network. Parts that it does not have, such as a head, are none."""
    problems = [f"{name} is missing" for name in expected if name not in place.names and not name.endswith(COUNTER)]
    if 2 * len(problems) > len(expected):
        return problems  # what else is there need not be looked at, and there may be many such places
    children = {name.partition(".")[0] for name in place.naming}
    inside = [name.removeprefix(place.prefix) for name in tensors if name.startswith(place.prefix)]
    others = [name for name in inside if name.partition(".")[0] in children and name not in place.naming]
    problems += [f"{name} is not part of a ResNet-18" for name in others]
    for own, name in place.names.items():
        tensor, counter = tensors[name], own.endswith(COUNTER)
        if tensor.shape != expected[own].shape and not (counter and tensor.numel() == 1):
            problems.append(f"{own} has shape {tuple(tensor.shape)}, expected {tuple(expected[own].shape)}")
        elif tensor.is_meta or tensor.layout != torch.strided:
            problems.append(f"{own} is stored without values or as a sparse tensor, expected a dense one")
        elif not (tensor.is_floating_point() or counter):
            problems.append(f"{own} has values of type {str(tensor.dtype).removeprefix('torch.')}, expected floats")
    return problems


def _same(one: Found, other: Found, tensors: Mapping[str, Tensor]) -> bool:
    """Return whether two places hold the same values. Some programs store a network that has two names twice."""
    pairs = [(tensors[name], tensors[other.names[own]]) for own, name in one.names.items() if own in other.names]
    return all(torch.allclose(a.float(), b.float(), rtol=0, atol=0, equal_nan=True) for a, b in pairs)


def _unfit(places: Iterable[Found], expected: Mapping[str, Tensor], tensors: Mapping[str, Tensor], where: str) -> InputError:
    """Return the error that says what is wrong at the place where most of the network is."""
    nearest = max(places, key=lambda place: len(place.names), default=None)
    if nearest is None or 2 * len(nearest.names) < len(expected):
        problems = [f"found other names ({some(tensors)})"]
    else:
        problems = _problems(nearest, expected, tensors)
    other = next((kind for sign, kind in SIGNS_OF_OTHERS.items() if any(sign in name for name in tensors)), None)
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return InputError(
        f"{where}: these are not weights of torchvision's ResNet-18{f' but of {other}' if other else ''}: "
        f"{'; '.join(problems[:3])}{more}; point classifier.weights at a state dict of torchvision.models.resnet18"
    )


def _require_finite(names: Iterable[str], tensors: Mapping[str, Tensor], where: str) -> None:
    wrong = [name for name in names if not tensors[name].float().isfinite().all()]
    if wrong:
        raise InputError(
            f"{where}: found values that are NaN or infinite in {some(wrong)}, expected finite numbers: "
            "the training that wrote them failed; take an earlier checkpoint"
        )
