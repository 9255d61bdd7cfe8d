"""A trained run as one object: it predicts the classes of photographs, explains its predictions and gives the learned masks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from align.attribution import ATTRIBUTIONS
from align.datasets.decoding import read_frame, read_rgb
from align.errors import InputError, first_line
from align.files import read_json
from align.imaging.normalisation import normalise, to_unit
from align.imaging.resizing import resized
from align.imaging.scaling import min_max_scale
from align.imaging.view import View
from align.methods import METHODS
from align.methods.base import Batch, Method
from align.methods.masked_erm import MaskedERM
from align.preparation.packing import decoded_side
from align.registry import load as load_implementation
from align.registry import require
from align.training.device import choose_device
from align.training.run import RunSettings, restore

CHECKPOINT, ACCOUNT = "checkpoint.pt", "run.json"
BATCH_SIZE = 32


class Photograph(NamedTuple):
    """A photograph as a network sees it.

    Attributes:
        path: its file.
        width: of the upright photograph, pixels.
        height: of the upright photograph, pixels.
        square: what the network sees of it, S×S×3, uint8.
    """

    path: Path
    width: int
    height: int
    square: npt.NDArray[np.uint8]


class Explanation(NamedTuple):
    """What a model says about one photograph.

    Attributes:
        photograph: the photograph.
        probabilities: of each class, K.
        saliency: the map of the predicted class, S×S, from 0 to 1; zero everywhere if the map is flat.
        mask: the learned mask, S×S in [0, 1]. None if the method learns none.
    """

    photograph: Photograph
    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float32]
    mask: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class Model:
    """A trained run.

    Attributes:
        folder: the folder of the run, or the one of its checkpoint.
        settings: the settings that it was trained with.
        method: the method with its trained networks, in evaluation mode.
        classes: names of the classes, in the order of the probabilities.
        view: how a photograph becomes the square that the networks see.
        device: where it computes.
    """

    folder: Path
    settings: RunSettings
    method: Method
    classes: tuple[str, ...]
    view: View
    device: torch.device

    @property
    def name(self) -> str:
        """Return the name of the method, as a configuration has it.

        Methods of one class, such as align and align-plus, differ by the defaults of their settings. The one whose defaults are
        nearest to the settings of the run gives its name.
        """
        names = [name for name, method in METHODS.items() if method.implementation == self.settings.implementation]
        values = self.settings.hyper_parameters.model_dump().items()
        new = type(self.method).__name__
        return max(names, key=lambda name: len(values & METHODS[name].settings().model_dump().items()), default=new)

    def photograph(self, path: Path | str) -> Photograph:
        """Return a photograph as the network sees it. It is decoded and resized as the training images were.

        Raises:
            InputError: the file is no whole image; see :func:`align.datasets.decoding.read_rgb`.
        """
        path = Path(path)
        image = read_rgb(path, least_side=decoded_side(self.view.size)).image
        return Photograph(path, *read_frame(path).upright, self.view.square(image))

    def explain(self, photographs: Sequence[Path | str | Photograph], attribution: str = "grad_cam") -> Iterator[Explanation]:
        """Yield what the model says about each photograph, in their order.

        Args:
            photographs: files, or what :meth:`photograph` returned.
            attribution: the name of an attribution; ``align.attribution.ATTRIBUTIONS`` has them all.

        Raises:
            InputError: a file is no whole image, or the attribution is unknown.
        """
        maps_of = load_implementation(ATTRIBUTIONS[require("attribution", attribution, ATTRIBUTIONS)])
        for start in range(0, len(photographs), BATCH_SIZE):
            some = photographs[start : start + BATCH_SIZE]
            yield from self._explain([p if isinstance(p, Photograph) else self.photograph(p) for p in some], maps_of)

    @torch.no_grad()
    def _explain(self, photographs: Sequence[Photograph], maps_of: Any) -> Iterator[Explanation]:
        squares = torch.from_numpy(np.stack([photograph.square for photograph in photographs])).to(self.device)
        batch = Batch(normalise(to_unit(squares)), torch.zeros(len(squares), dtype=torch.long, device=self.device))
        images, classifier = self.method.view(batch), self.method.classifier
        features = classifier.features(images)
        probabilities = classifier.classify(features).softmax(1)
        maps = maps_of(classifier, images, features, probabilities.argmax(1))
        saliency = min_max_scale(resized(maps, images.shape[-2:]))
        masks = self.method.used_masks(batch) if self.learns_masks else None
        for i, photograph in enumerate(photographs):
            mask = None if masks is None else masks[i].cpu().numpy()
            yield Explanation(photograph, probabilities[i].cpu().numpy(), saliency[i].cpu().numpy(), mask)

    @property
    def learns_masks(self) -> bool:
        """Return whether the run has a trained masker."""
        return "masker" in self.method.networks


def load(run: Path | str, device: str = "auto", view: View | None = None) -> Model:
    """Return the model of a finished run.

    Args:
        run: the run's folder, with ``checkpoint.pt``, or a checkpoint.
        device: auto, cpu or cuda.
        view: how a photograph becomes an image of the run, for a checkpoint that does not hold it. Older ones do not.

    Raises:
        InputError: there is no such checkpoint, it does not say how images were made, or the run needs masks of its images.
    """
    run = Path(run)
    checkpoint = run / CHECKPOINT if run.is_dir() else run
    content = _read(checkpoint)
    if view is None and "images" not in content:
        raise InputError(
            f"{checkpoint}: found a checkpoint that does not say how its images were made, expected one of this version; give "
            "the data set's image_size and resize: --image-size 224 --resize crop, or load(run, view=View(224, 'crop'))"
        )
    values = content.get("settings") or _recorded_settings(checkpoint)
    settings = RunSettings.from_values(values)
    where = choose_device(device)  # nothing else of the process is changed: it may be the user's own
    method, classes = restore(settings, checkpoint, where)
    if isinstance(method, MaskedERM) and settings.hyper_parameters.given_masks:
        raise InputError(
            f"{checkpoint}: found a run of masked_erm, which sees only images with a known mask, expected a method that takes "
            "any photograph; choose a run of another method"
        )
    return Model(checkpoint.parent, settings, method, tuple(classes), view or View.from_record(content["images"]), where)


def _read(checkpoint: Path) -> dict[str, Any]:
    if not checkpoint.is_file():
        raise InputError(
            f"{checkpoint}: found no such file, expected the checkpoint of a finished run; name its folder, such as "
            "results/runs/<dataset>/single_source/<domain>/align/seed0/<hash>"
        )
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if not isinstance(content, dict) or not {"implementation", "classes", "classifier"} <= content.keys():
            raise ValueError("it lacks the networks or the classes")
    except Exception as error:  # for a broken file, torch raises almost anything
        raise InputError(
            f"{checkpoint}: found no checkpoint of a run ({first_line(error)}), expected one; name another, or train again"
        ) from None
    return content


def _recorded_settings(checkpoint: Path) -> dict[str, Any]:
    """Return the settings that stand in ``run.json`` beside an older checkpoint."""
    values = read_json(checkpoint.with_name(ACCOUNT)).get("settings", {})
    if "hyper_parameters" not in values:
        raise InputError(
            f"{checkpoint.with_name(ACCOUNT)}: found no settings of the run, expected them beside a checkpoint of an older "
            "version; restore the file that the run wrote"
        )
    return dict(values)
