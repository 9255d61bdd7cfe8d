"""Copies finished checkpoints into the published folder, and out of it."""

import filecmp
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from align.errors import InputError
from align.files import as_json, read_json, sha256, whole_file, write_json
from align.preparation.listing import MANIFEST_COLUMNS, SPLITS_COLUMNS, read_listing
from align.results.collect import read_results
from align.versioning.agreement import ACCOUNT, ADDED, FILES, read_account

LOG = logging.getLogger("align")
COLUMNS = {"manifest.csv": MANIFEST_COLUMNS, "splits.csv": SPLITS_COLUMNS}
CAUSES = {
    "manifest.csv": "An image was replaced, added or removed, or made with other settings; `dvc data status --granular` "
    "names the files that differ from the versioned ones",
    "splits.csv": "The images were split with other settings or by other code",
}


def publish_listings(listings: Mapping[str, Path], published: Path) -> None:
    """Copy the manifest and the splits of a data set. A later error message needs them to name images that differ.

    Args:
        listings: its files of :data:`~align.versioning.agreement.LISTINGS`, by name.
        published: ``artifacts/checkpoints/<dataset>``.
    """
    for name, path in listings.items():
        _copy(path, published / name)


def publish_run(run: Path, metrics: Path, listings: Mapping[str, Path], preparation: Mapping[str, Any], published: Path) -> None:
    """Copy a run's checkpoint and history, and write its account, metrics, data settings and checksums into one JSON file.

    A file that already has this content is not written again.

    Args:
        run: its folder below ``results/runs``.
        metrics: the run's ``metrics.csv``.
        listings: see :func:`publish_listings`.
        preparation: see :func:`~align.configuration.places.preparation_settings`.
        published: ``artifacts/checkpoints/…/seed<k>``.
    """
    for name in FILES:
        _copy(run / name, published / name)
    rows = read_results(metrics).to_dict("records")
    account = read_json(run / "run.json") | {
        "metrics": [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows],
        "preparation": preparation,
        "sha256": {name: sha256(path) for name, path in ({name: run / name for name in FILES} | dict(listings)).items()},
    }
    path = published / ACCOUNT
    if not path.is_file() or path.read_bytes() != as_json(account).encode():
        write_json(path, account)


def take_run(published: Path, published_data: Path, listings: Mapping[str, Path], run: Path, code: str) -> None:
    """Copy a published run to the place of a trained run, byte for byte.

    Args:
        published: ``artifacts/checkpoints/…/seed<k>``.
        published_data: ``artifacts/checkpoints/<dataset>``.
        listings: those of the images here, see :func:`publish_listings`.
        run: the run's folder below ``results/runs``.
        code: the hash of the code that would train the run here. If it differs, the log has a warning.

    Raises:
        InputError: a published file has changed since it was published, or the images or splits here differ from those of the
            published run. The message names the first images that differ.
    """
    account = read_account(published / ACCOUNT)
    for name in FILES:
        _require_intact(published / name, account["sha256"][name])
    for name, path in listings.items():
        if sha256(path) != account["sha256"][name]:
            raise InputError(_difference_of_listings(published_data / name, path))
    if code != account["hashes"]["code"]:
        LOG.warning("%s: trained by code %s; the code here is %s", published, account["hashes"]["code"], code)
    for name in FILES:
        _copy(published / name, run / name)
    write_json(run / "run.json", {key: value for key, value in account.items() if key not in ADDED})


def _require_intact(path: Path, expected: str) -> None:
    found = sha256(path)
    if found != expected:
        raise InputError(
            f"{path}: found sha256 {found}, expected {expected} as in {ACCOUNT} beside it: the file is broken, or it has changed "
            "since it was published; remove it and run `dvc pull` (if that brings the same file again, the copy in .dvc/cache or "
            "in the remote is broken), or set checkpoints.source to trained"
        )


def _difference_of_listings(published: Path, here: Path) -> str:
    columns = COLUMNS[published.name]
    theirs, ours = (_by_path(read_listing(path, columns)) for path in (published, here))
    differing = [image for image in sorted({*theirs, *ours}) if theirs.get(image) != ours.get(image)]
    named = "; ".join(f"{image} ({_change(theirs.get(image), ours.get(image))})" for image in differing[:3])
    more = f" and {len(differing) - 3:,} more" if len(differing) > 3 else ""
    what = f"found {len(differing):,} images that differ: {named}{more}" if differing else "found other images or splits"
    return (
        f"{here}: {what}; expected those that the checkpoint was trained with, listed in {published}. {CAUSES[published.name]}. "
        f"Restore them (`dvc checkout` for data under DVC) and remove {here}, or set checkpoints.source to trained"
    )


def _by_path(listing: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    return dict(zip(listing["path"], listing.drop(columns="path").itertuples(index=False, name=None)))


def _change(theirs: tuple[str, ...] | None, ours: tuple[str, ...] | None) -> str:
    if theirs is None or ours is None:
        return "only here" if theirs is None else "missing here"
    old, new = next((old, new) for old, new in zip(theirs, ours) if old != new)
    return f"published {old[:16]}, here {new[:16]}"


def _copy(source: Path, target: Path) -> None:
    """Copy the content, but not the mode and the times: files that DVC links are read-only, and their times say nothing."""
    if not (target.is_file() and filecmp.cmp(source, target, shallow=False)):
        with whole_file(target) as partial:
            shutil.copyfile(source, partial)
