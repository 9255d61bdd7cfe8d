"""Initial weights from torchvision, or from a file that need not be trusted."""

from pathlib import Path

import torch
from torch import nn
from torchvision.models import ResNet18_Weights

from align.errors import InputError, first_line


def load_weights(network: nn.Module, source: str) -> None:
    """Load weights into a torchvision ResNet-18.

    A file is read as data only. A pickle that would run code is refused and not read.

    Args:
        network: the network.
        source: a name of torchvision's weights, such as ``IMAGENET1K_V1``, or a file with a state dict.

    Raises:
        InputError: the file is absent, is no state dict, or has other names or shapes; or a download fails.
    """
    if "/" not in source and not source.endswith((".pt", ".pth")):
        try:
            weights = ResNet18_Weights[source]
        except KeyError:
            raise InputError(
                f"classifier.weights: {source!r} is neither a file nor torchvision weights of ResNet-18 (such as IMAGENET1K_V1)"
            ) from None
        try:
            state = weights.get_state_dict(check_hash=True)
        except (OSError, RuntimeError) as error:  # no network, or a wrong checksum
            raise InputError(
                f"classifier.weights: {source} could not be downloaded ({error}); try again with a network, or name a file"
            ) from None
        network.load_state_dict(state)
        return
    state = _read_state_dict(Path(source))
    expected = network.state_dict()
    wrong = [f"{name} is missing" for name in expected if name not in state]
    wrong += [f"{name} is not part of a ResNet-18" for name in state if name not in expected]
    wrong += [
        f"{name} has shape {tuple(state[name].shape)}, expected {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise InputError(
            f"{source}: these are not weights of torchvision's ResNet-18: {'; '.join(wrong[:3])}{more}; "
            "point classifier.weights at a state dict of torchvision.models.resnet18"
        )
    network.load_state_dict(state)


def _read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise InputError(f"classifier.weights: found no file {path}; correct the path in the configuration")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # on a broken file, torch raises almost any error: struct.error, IndexError, AssertionError
        raise InputError(
            f"{path}: cannot be read as tensors only, so it is not read at all ({first_line(error)}); expected a state dict"
        ) from None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise InputError(f"{path}: found {type(state).__name__}, expected a state dict: names to tensors")
    return state
