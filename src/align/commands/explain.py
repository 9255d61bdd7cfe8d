"""`align explain`: predictions, saliency maps and learned masks of any photographs, as pictures, as a page and as arrays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from align.commands.photographs import Found, explained
from align.errors import InputError
from align.figures.explained_photograph import explained_photograph
from align.files import whole_file
from align.methods.naming import method_title
from align.page.render import render_explanations
from align.trained.model import Explanation, Model

SHOWN_CLASSES = 3
PAGE, ARRAYS = "index.html", "explanations.npz"


class Answer(NamedTuple):
    """What was found for one photograph.

    Attributes:
        name: of the photograph.
        picture: the picture that was written, relative to the folder of the results.
        predicted: the predicted class.
        answer: the classes with the highest probabilities, as a line of text.
        has_mask: whether the picture has a learned mask.
    """

    name: str
    picture: str
    predicted: str
    answer: str
    has_mask: bool


def explain_photographs(
    model: Model, photographs: Sequence[Found], out: Path, attribution: str, arrays: bool, say: Callable[[str], None]
) -> list[InputError]:
    """Write a picture of each photograph, a page of all, and, if wanted, their arrays.

    A photograph that cannot be read is passed over. The others are written.

    Args:
        model: the trained model.
        photographs: what to explain.
        out: the folder of the pictures ``<name>.png``, of ``index.html`` and of ``explanations.npz``.
        attribution: the name of the attribution.
        arrays: whether to write ``explanations.npz``.
        say: is told the answer for each photograph.

    Returns:
        Why photographs were passed over.
    """
    answers: list[Answer] = []
    kept: list[Explanation] = []
    errors: list[InputError] = []
    for name, explanation in explained(model, photographs, attribution, errors):
        answer = top_classes(explanation.probabilities, model.classes)
        picture = name.with_name(f"{name.name}.png")
        with whole_file(out / picture) as partial:
            explained_photograph(explanation, answer).save(partial)
        predicted = model.classes[int(explanation.probabilities.argmax())]
        shown = str(explanation.photograph.path)
        answers.append(Answer(str(name), quote(picture.as_posix()), predicted, answer, explanation.mask is not None))
        say(f"{shown}: {answer}")
        kept += [explanation] * arrays
    if answers:
        _write_page(model, answers, attribution, out)
    if kept:
        _write_arrays(model, kept, out)
    return errors


def top_classes(probabilities: npt.NDArray[np.float32], classes: Sequence[str]) -> str:
    """Return the classes with the highest probabilities, such as ``dog 0.93, cat 0.05, car 0.01``."""
    order = np.argsort(-probabilities, kind="stable")[:SHOWN_CLASSES]
    return ", ".join(f"{classes[i]} {probabilities[i]:.2f}" for i in order)


def _write_page(model: Model, answers: Sequence[Answer], attribution: str, out: Path) -> None:
    method = method_title(model.name)
    note = (
        f"Each picture shows what the network saw, the saliency map of the predicted class over it ({attribution}), from dark "
        f"(none) to bright{', and the learned mask' if answers[0].has_mask else ''}. The classes are {', '.join(model.classes)}; "
        "a photograph of anything else gets one of them too."
    )
    page = render_explanations(title=f"{len(answers)} photographs, explained by {method}", note=note, rows=answers)
    with whole_file(out / PAGE) as partial:
        partial.write_text(page, encoding="utf-8")


def _write_arrays(model: Model, explanations: Sequence[Explanation], out: Path) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "paths": np.array([str(explanation.photograph.path) for explanation in explanations]),
        "classes": np.array(model.classes),
        "probabilities": np.stack([explanation.probabilities for explanation in explanations]),
        "squares": np.stack([explanation.photograph.square for explanation in explanations]),
        "saliency": np.stack([explanation.saliency for explanation in explanations]),
    }
    if model.learns_masks:
        arrays["masks"] = np.stack([explanation.mask for explanation in explanations if explanation.mask is not None])
    with whole_file(out / ARRAYS) as partial, partial.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
