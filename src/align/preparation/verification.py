"""Whether a data set is whole: its images of each class in each domain against the published numbers."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from align.errors import InputError

LOG = logging.getLogger("align")

ALL_CLASSES = "all"


def count(
    manifest: pd.DataFrame,
    published: Sequence[tuple[str, str, int]],
    domains: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Count images, as finely as the published numbers do: by domain and class, or by domain.

    Args:
        manifest: columns domain, class.
        published: domain, class (``all`` where only the domain's number is published) and images of each published number.
        domains: the chosen ones; default: all.
        classes: the chosen ones; default: all.

    Returns:
        Columns domain, class, images, published (NA where nothing is); a row for each cell that is in either.
    """
    known = pd.DataFrame(published, columns=["domain", "class", "images"])
    for column, chosen in (("domain", domains), ("class", classes)):
        known = known[known[column].isin(chosen)] if chosen else known
    cells = manifest[["domain", "class"]]
    if not known.empty and known["class"].eq(ALL_CLASSES).all():
        cells = cells.assign(**{"class": ALL_CLASSES})
    found = cells.value_counts().rename("images")
    expected = known.set_index(["domain", "class"])["images"].rename("published")
    both = pd.concat([found, expected], axis=1).sort_index().astype("Int64")
    return both.assign(images=both["images"].fillna(0)).reset_index()


def require_whole(
    counts: pd.DataFrame, acquisition: Mapping[str, Any], root: str, published_as: str | None, allow_partial: bool
) -> None:
    """Compare what :func:`count` found with what is published, and see what was missing when the folder was made.

    Args:
        counts: columns domain, class, images, published.
        acquisition: see :func:`align.datasets.folders.read_acquisition`; what its ``incomplete`` names was missing.
        root: the data set's folder, for the message.
        published_as: its published name, for the message.
        allow_partial: a difference is a warning in the log, no error.

    Raises:
        InputError: a number differs (the message has the whole table), or something was missing.
    """
    known = counts.dropna(subset="published")
    differing = known[known["images"] != known["published"]]
    problems = [f"{root}: {missing}" for missing in acquisition.get("incomplete", [])]
    if not differing.empty:
        table = known.assign(difference=known["images"] - known["published"]).to_string(index=False)
        problems.append(
            f"{root}: found {known['images'].sum()} images, expected {known['published'].sum()} as published of {published_as} "
            f"({len(differing)} of {len(known)} numbers differ):\n{table}"
        )
    message = "\n".join(problems)
    if problems and not allow_partial:
        raise InputError(
            f"{message}\ncomplete the folder, or remove it so that its source makes it again, or set `allow_partial: true` to go "
            "on with what there is"
        )
    if problems:
        LOG.warning("%s\ngoing on, as `allow_partial: true` says; the table of the data repeats it", message)
