"""Whether a data set is whole: its images of each class in each domain against the published numbers."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from align.errors import InputError

LOG = logging.getLogger("align")

ALL_CLASSES = "all"


def count(
    manifest: pd.DataFrame,
    published: pd.DataFrame,
    published_as: str | None,
    domains: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count images, as finely as the published numbers do: by domain and class, or by domain.

    Args:
        manifest: columns domain, class.
        published: ``reference/dataset_counts.csv``: columns dataset, domain, class (``all`` where only the domain's number is
            published), images.
        published_as: the data set's name there; None: nothing is published of it.
        domains: the chosen ones; default: all.
        classes: the chosen ones; default: all.

    Returns:
        Columns domain, class, images, published (NA where nothing is); a row for each cell that is in either.
    """
    known = published[published["dataset"] == published_as]
    for column, chosen in (("domain", domains), ("class", classes)):
        known = known[known[column].isin(chosen)] if chosen else known
    cells = manifest[["domain", "class"]]
    if not known.empty and known["class"].eq(ALL_CLASSES).all():
        cells = cells.assign(**{"class": ALL_CLASSES})
    found = cells.value_counts().rename("images")
    expected = known.set_index(["domain", "class"])["images"].rename("published")
    both = pd.concat([found, expected], axis=1).sort_index().astype("Int64")
    return both.assign(images=both["images"].fillna(0)).reset_index()


def read_acquisition(root: Path) -> dict[str, Any]:
    """Return what was counted when a folder was made from its archives; nothing where it was not.

    Raises:
        InputError: its ``acquisition.json`` cannot be read.
    """
    path = root / "acquisition.json"
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: found no counts ({error}); restore or remove it") from None


def require_published(counts: pd.DataFrame, root: str, published_as: str | None, allow_partial: bool) -> None:
    """Compare what :func:`count` found with what is published.

    Args:
        counts: columns domain, class, images, published.
        root: the data set's folder, for the message.
        published_as: its published name, for the message.
        allow_partial: a difference is a warning in the log, no error.

    Raises:
        InputError: a number differs; the message has the whole table.
    """
    known = counts.dropna(subset="published")
    differing = known[known["images"] != known["published"]]
    if differing.empty:
        return
    table = known.assign(difference=known["images"] - known["published"]).to_string(index=False)
    message = (
        f"{root}: found {known['images'].sum()} images, expected {known['published'].sum()} as published of {published_as} "
        f"({len(differing)} of {len(known)} numbers differ):\n{table}\n"
    )
    if not allow_partial:
        raise InputError(f"{message}complete the folder, or set `allow_partial: true` to go on with what there is")
    LOG.warning("%sgoing on, as `allow_partial: true` says; the table of the data repeats it", message)
