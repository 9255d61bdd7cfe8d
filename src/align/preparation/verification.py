"""Checking that a data set is complete, by the published numbers of images of each class in each domain."""

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
    """Count images by domain and class, or by domain if only the domains' numbers are published.

    Args:
        manifest: columns domain, class.
        published: domain, class and number of images of each published number. The class is ``all`` if only the domain's number
            is published.
        domains: the chosen domains; default: all.
        classes: the chosen classes; default: all.

    Returns:
        Columns domain, class, images, published. There is a row for each domain and class that has images or a published number;
        ``published`` is NA if there is none.
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
    """Check the numbers of images against the published ones, and that nothing was missing when the folder was made.

    Args:
        counts: the result of :func:`count`.
        acquisition: the result of :func:`align.datasets.folders.read_acquisition`; ``incomplete`` lists what was missing.
        root: the data set's folder, for the message.
        published_as: the data set's published name, for the message.
        allow_partial: if true, a difference is a warning in the log, and no error.

    Raises:
        InputError: a number differs, and the message has the whole table; or something was missing.
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
            "on with these images"
        )
    if problems:
        LOG.warning("%s\ngoing on, since `allow_partial: true` is set; the table of data sets will have a warning", message)
