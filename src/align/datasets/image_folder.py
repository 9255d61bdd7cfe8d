"""Listing the images of a data set, a folder ``<root>/<domain>/<class>/<image>``."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import imagehash
import pandas as pd

from align.datasets.decoding import read_rgb
from align.datasets.scan import LEFT_BEHIND, NOT_CHOSEN, SET_APART, PassedOver, scan
from align.errors import InputError

UNREMARKABLE = (LEFT_BEHIND, NOT_CHOSEN.format("domains"), NOT_CHOSEN.format("classes"), SET_APART)
LISTED_PROBLEMS = 10  # a message names no more


class Listed(NamedTuple):
    """The images of a data set, and what lies beside them.

    Attributes:
        manifest: columns path (relative to the data set's folder, POSIX), domain, class, sha256; sorted by domain, class, path.
        perceptual_hashes: columns path, perceptual_hash: 16 hexadecimal digits that are alike for images that look alike.
        passed_over: columns place, kind, number, example, see :class:`~align.datasets.scan.PassedOver`.
    """

    manifest: pd.DataFrame
    perceptual_hashes: pd.DataFrame
    passed_over: pd.DataFrame


def index(
    root: Path, domains: Sequence[str] = (), classes: Sequence[str] | None = None, annotations: Collection[Path] = ()
) -> Listed:
    """Decode every image of a data set in full, and list it.

    Args:
        root: the data set's folder, see :func:`align.datasets.scan.scan`.
        domains: the domains to use; by default all.
        classes: the classes to use; by default every class of any domain.
        annotations: folders of ground truth.

    Raises:
        InputError: see :func:`align.datasets.scan.scan`; or images cannot be used, and the message names them.
    """
    found = scan(root, domains, classes, annotations)
    rows, hashes, problems = [], [], []
    remarks: dict[tuple[str, str], list[str]] = {}
    for domain in sorted(found.images):
        for label in sorted(found.images[domain]):
            for name in found.images[domain][label]:
                try:
                    _require_plain(name, Path(root, domain, label))
                    decoded = read_rgb(Path(root, domain, label, name))
                except InputError as error:
                    problems.append(str(error))
                else:
                    path = f"{domain}/{label}/{name}"
                    rows.append((path, domain, label, decoded.sha256))
                    hashes.append((path, str(imagehash.phash(decoded.image))))
                    for remark in decoded.remarks:
                        remarks.setdefault((f"{domain}/{label}", f"image that {remark}"), []).append(name)
    _require_no_problems(root, problems)
    noticed = [PassedOver(place, kind, len(names), names[0]) for (place, kind), names in remarks.items()]
    return Listed(
        pd.DataFrame(rows, columns=["path", "domain", "class", "sha256"]),
        pd.DataFrame(hashes, columns=["path", "perceptual_hash"]),
        pd.DataFrame([*found.passed_over, *noticed], columns=list(PassedOver._fields)),
    )


def _require_plain(name: str, folder: Path) -> None:
    """Check that a listing can hold a file name.

    Raises:
        InputError: it cannot.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{folder}: found a file name that is not UTF-8 ({name!r}); rename it") from None
    if "\r" in name:
        raise InputError(f"{folder}: found a file name with a carriage return ({name!r}); rename it")


def account(passed_over: pd.DataFrame) -> str:
    """Return one line that says what was passed over, except for what systems leave behind. Empty if there is nothing to say."""
    told = passed_over[~passed_over["kind"].isin(UNREMARKABLE)]
    kinds = [
        f"{rows['number'].sum()} × {kind} (such as {rows.iloc[0]['place']}/{rows.iloc[0]['example']})"
        for kind, rows in told.groupby("kind")
    ]
    return "passed over " + ", ".join(kinds) if kinds else ""


def _require_no_problems(root: Path, problems: Sequence[str]) -> None:
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems[:LISTED_PROBLEMS])
        rest = len(problems) - LISTED_PROBLEMS
        more = f"\n  … and {rest} more" if rest > 0 else ""
        raise InputError(f"{root}: found {len(problems)} images that cannot be used:\n{listed}{more}")
