"""Takes a model elsewhere: as ONNX, or as plain PyTorch weights, each checked against the model before it is kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from align.errors import InputError
from align.files import whole_file, write_json
from align.imaging.normalisation import normalise
from align.models.classifier import Classifier
from align.trained.model import Model

CHECKED = (1, 3)  # images, so that a graph that fits one number of images only is found
TOLERANCE = 1e-4  # of the largest output
DESCRIPTION = "model.json"

Run = Callable[[Tensor], npt.NDArray[np.float32]]


class ImagesToLogits(nn.Module):
    """Images N×3×S×S in [0, 1] to logits N×K. The normalisation is part of it."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.classifier(normalise(images))
        return logits


class ImagesToMasks(nn.Module):
    """Images N×3×S×S in [0, 1] to soft masks N×1×S×S. The normalisation is part of it."""

    def __init__(self, masker: nn.Module, classifier: Classifier) -> None:
        super().__init__()
        self.masker, self.classifier = masker, classifier

    def forward(self, images: Tensor) -> Tensor:
        """Return the masks."""
        masks: Tensor = self.masker(normalise(images), self.classifier)
        return masks


def write_onnx(model: Model, out: Path) -> list[Path]:
    """Write ``classifier.onnx`` and, if the model has a masker, ``masker.onnx``.

    Both take ``images``: N×3×S×S, RGB in [0, 1], any N. They give ``logits`` N×K, and ``masks`` N×1×S×S.

    Returns:
        The files.

    Raises:
        InputError: a file does not compute what the model does.
    """
    classifier = model.method.classifier
    files = [_write_onnx(ImagesToLogits(classifier), "logits", model.view.size, out / "classifier.onnx")]
    if model.learns_masks:
        masker = ImagesToMasks(model.method.networks["masker"], classifier)
        files.append(_write_onnx(masker, "masks", model.view.size, out / "masker.onnx"))
    return files


def write_torchvision(model: Model, out: Path) -> list[Path]:
    """Write ``resnet18.pth``, a state dict of torchvision's ``resnet18(num_classes=K)``, and the masker's own as ``masker.pth``.

    Returns:
        The files.

    Raises:
        InputError: the classifier is no ResNet-18, or the file does not compute what the model does.
    """
    if model.settings.classifier.architecture != "resnet18":
        raise InputError(
            f"{model.folder}: found a {model.settings.classifier.architecture}, which torchvision does not have, expected a "
            "resnet18; export it with --format onnx"
        )
    classifier = model.method.classifier
    if hasattr(classifier.backbone, "gate"):
        raise InputError(
            f"{model.folder}: found a gate behind the last feature map, which torchvision's ResNet-18 does not have; export it "
            "with --format onnx"
        )
    from torchvision.models import resnet18

    weights = {**classifier.backbone.state_dict(), "fc.weight": classifier.head.weight, "fc.bias": classifier.head.bias}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    files = [out / "resnet18.pth"]
    with whole_file(files[0]) as partial:
        torch.save(weights, partial)
        network = resnet18(num_classes=len(model.classes)).eval()
        network.load_state_dict(torch.load(partial, weights_only=True))
        _require_equal(files[0], classifier.to("cpu"), lambda images: network(images).numpy(), model.view.size)
    if model.learns_masks:
        files.append(out / "masker.pth")
        with whole_file(files[1]) as partial:
            torch.save(model.method.networks["masker"].state_dict(), partial)
    return files


def write_description(model: Model, out: Path) -> Path:
    """Write ``model.json``: classes, how images are made, and the settings of the run."""
    path = out / DESCRIPTION
    described = {"classes": list(model.classes), "images": model.view.record(), "settings": model.settings.plain_values()}
    write_json(path, described)
    return path


def _write_onnx(part: nn.Module, output: str, size: int, path: Path) -> Path:
    import onnxruntime  # half a second, and only here

    part = part.to("cpu").eval()
    example = torch.zeros(CHECKED[1], 3, size, size)
    with torch.no_grad():
        part(example)  # normalise() keeps its constants from its first call; those of an export would be no numbers
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        part, (example,), input_names=["images"], output_names=[output], dynamic_shapes=({0: batch},), verbose=False
    )
    assert program is not None
    with whole_file(path) as partial:
        program.save(partial)
        session = onnxruntime.InferenceSession(partial, providers=["CPUExecutionProvider"])

        def run(images: Tensor) -> npt.NDArray[np.float32]:
            return np.asarray(session.run(None, {"images": images.numpy()})[0])

        _require_equal(path, part, run, size)
    return path


@torch.no_grad()
def _require_equal(path: Path, part: nn.Module, run: Run, size: int) -> None:
    """Check that an exported network gives the same values as ``part``, up to rounding."""
    generator = torch.Generator().manual_seed(0)
    for count in CHECKED:
        images = torch.rand(count, 3, size, size, generator=generator)
        expected, found = part(images).numpy(), run(images)
        largest = float(np.abs(expected).max())
        if found.shape != expected.shape or np.abs(found - expected).max() > TOLERANCE * max(largest, 1):
            raise InputError(
                f"{path}: found other values than the model's on {count} random images, expected the same up to rounding; the "
                "file was not kept; try another version of torch or of the exporter"
            )
