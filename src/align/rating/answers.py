"""The files of a study: the key, which only its author has, and a file of answers from each rater."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from align.errors import InputError
from align.files import sha256
from align.rating import HIGHEST, LOWEST, QUESTIONS, RANDOM, TRUTH
from align.rating.files import ANSWERS, rater_files, require_study
from align.rating.order import Shown

COLUMNS = [
    "study", "trial", "rater", "position", "kind", "method", "dataset", "source_domain", "target_domain", "path", "class",
    *QUESTIONS, "seconds",
]  # fmt: skip
RATED, CONTROL, AGAIN = "rated", "control", "again"
"""Kinds of rows: a method's mask, a control, and a mask that was shown for the second time."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Item(_Strict):
    """A mask of the study.

    Attributes:
        image: the number of its image.
        method: the method that made it, or the name of a control.
    """

    image: int
    method: str


class Image(_Strict):
    """An image of the study: its path below the data set's root, its domain and its class."""

    path: str
    target_domain: str
    name: str = Field(alias="class")


class Key(_Strict):
    """What the masks of a study are. Raters do not see it.

    Attributes:
        study: the study's name, a hash of everything that raters see.
        trial: whether the answers are made up, to try the study out.
        dataset, source_domain: of the models.
        checkpoints: the SHA-256 of each method's checkpoint.
        images: the images.
        items: what each mask is, by its name.
        orders: the orders of masks.
    """

    study: str
    trial: bool
    dataset: str
    source_domain: str
    checkpoints: dict[str, str]
    images: list[Image]
    items: dict[str, Item]
    orders: list[list[Shown]]


class Rating(_Strict):
    """The answers to one mask."""

    item: str
    again: bool
    coverage: int = Field(ge=LOWEST, le=HIGHEST)
    background: int = Field(ge=LOWEST, le=HIGHEST)
    overall: int = Field(ge=LOWEST, le=HIGHEST)
    seconds: float = Field(ge=0)


class RaterFile(_Strict):
    """What the page saves. ``checksum`` is that of :func:`signed_text`."""

    study: str
    trial: bool
    rater: int = Field(ge=1)
    answers: list[Rating]
    checksum: str


def read_key(folder: Path) -> Key:
    """Return the key of a study.

    Raises:
        InputError: the folder holds no study, or its key is broken.
    """
    path = require_study(folder)
    try:
        return Key.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {_problem(error)}; restore the file that `align rate prepare` wrote") from None


def read_ratings(folder: Path) -> pd.DataFrame:
    """Return the ratings of all raters of a study, a row for each mask that was shown.

    The columns are ``COLUMNS``. ``kind`` is rated, control or again.

    Args:
        folder: of the study. The files of the raters lie in its folder ``answers``.

    Raises:
        InputError: a file of a rater is broken, unfinished, changed, or of another study, or two are of the same rater. The
            message names each of them.
    """
    key = read_key(folder)
    files = rater_files(folder)
    if not files:
        raise InputError(f"{folder / ANSWERS}: found no file of a rater, expected one *.json of each; put them there")
    found: dict[Path, RaterFile] = {}
    refused: list[str] = []
    for path in files:
        try:
            found[path] = _read_rater(path, key)
        except InputError as error:
            refused.append(str(error))
    counted = Counter(answers.rater for answers in found.values())
    for rater, times in counted.items():
        if times > 1:
            names = ", ".join(str(path) for path, answers in found.items() if answers.rater == rater)
            refused.append(f"{names}: found {times} files of rater {rater}, expected one; keep the right one")
    if refused:
        raise InputError("\n".join(refused))
    return pd.concat([_rows(key, answers) for answers in found.values()], ignore_index=True).sort_values(
        ["rater", "position"], ignore_index=True
    )


def require_checkpoints(folder: Path, checkpoints: Sequence[str]) -> None:
    """Check that the masks of a study come from some of ``checkpoints``.

    Raises:
        InputError: they come from others, such as those before a change.
    """
    key = read_key(folder)
    there = {sha256(path) for path in checkpoints}
    if others := [method for method, digest in key.checkpoints.items() if digest not in there]:
        raise InputError(
            f"{folder}: found ratings of masks by {', '.join(others)} that these results do not have, expected a study of these "
            "results; remove `ratings` from the configuration, or prepare a new study"
        )


def signed_text(study: str, trial: bool, rater: int, answers: Sequence[Mapping[str, Any]]) -> str:
    """Return the text whose checksum is in a rater's file. The page's script makes the same text."""
    lines = [",".join(str(int(answer[name])) for name in ("again", *QUESTIONS)) + f",{answer['item']}" for answer in answers]
    return "\n".join([study, str(int(trial)), str(rater), *lines])


def checksum(text: str) -> str:
    """Return the CRC-32 of a text. It shows that a file was changed by hand or by accident. It is no signature."""
    return f"{zlib.crc32(text.encode()):08x}"


def order_of(key: Key, rater: int) -> list[Shown]:
    """Return the order that a rater sees. Raters with following numbers take the orders by turns."""
    return key.orders[(rater - 1) % len(key.orders)]


def _read_rater(path: Path, key: Key) -> RaterFile:
    try:
        found = RaterFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path}: {_problem(error)}; ask the rater to save again, or remove the file") from None
    if found.study != key.study or found.trial != key.trial:
        raise InputError(
            f"{path}: found answers to study {found.study}, expected study {key.study}; move the file to its own study"
        )
    given = [answer.model_dump() for answer in found.answers]
    if checksum(signed_text(found.study, found.trial, found.rater, given)) != found.checksum:
        raise InputError(
            f"{path}: found answers that were changed after they were saved (their checksum differs), expected the file as the "
            "page saved it; ask the rater for it"
        )
    expected = order_of(key, found.rater)
    if [(answer.item, answer.again) for answer in found.answers] != expected:
        raise InputError(
            f"{path}: found {len(found.answers)} answers, expected the {len(expected)} masks of rater {found.rater}, in their "
            "order; ask the rater to finish and to save again"
        )
    return found


def _rows(key: Key, found: RaterFile) -> pd.DataFrame:
    rows = []
    for position, answer in enumerate(found.answers):
        item = key.items[answer.item]
        image = key.images[item.image]
        kind = AGAIN if answer.again else CONTROL if item.method in (TRUTH, RANDOM) else RATED
        ratings = [getattr(answer, name) for name in QUESTIONS]
        where = (key.dataset, key.source_domain, image.target_domain, image.path, image.name)
        rows.append((key.study, key.trial, found.rater, position, kind, item.method, *where, *ratings, answer.seconds))
    return pd.DataFrame(rows, columns=COLUMNS)


def _problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the file"
    return f"found a file in which {place} does not fit ({first['msg']}), expected what was saved"
