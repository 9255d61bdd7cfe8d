"""What is recorded of a folder that a source has made. Snakemake asks for it at every parse, so no image is opened."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from align.datasets.scan import is_leftover
from align.errors import InputError

ACQUISITION = "acquisition.json"  # numbers of images in the archives that a folder was made from, and their checksums
SETTINGS_RECORD = "settings.json"  # the settings that a generator made the folder with


def contents_hash(root: Path) -> str:
    """Return a hash of the names and sizes of all files down to ``masks/<domain>/<class>/``.

    It stays the same when the files are copied or pulled again.
    """
    digest = hashlib.sha256()
    for line in sorted(_tree_lines(os.fspath(root), "", depth=3)):
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def read_acquisition(root: Path) -> dict[str, Any]:
    """Return the numbers that were written when a folder was made from archives; empty for any other folder.

    Raises:
        InputError: the folder's record of them cannot be read.
    """
    return _read_record(root / ACQUISITION, {}, "counts", "restore or remove it")


def require_settings(root: Path, settings: Mapping[str, Any]) -> None:
    """Check that a folder was generated with ``settings``. A folder without a record of its settings passes.

    Raises:
        InputError: the folder was generated with other settings, or its record of them cannot be read.
    """
    made_with = _read_record(root / SETTINGS_RECORD, settings, "settings", f"restore it with `dvc pull`, or remove {root}")
    for key in sorted({*made_with, *settings}):
        if made_with.get(key) != settings.get(key):
            raise InputError(
                f"{root}: found images made with {key}: {made_with.get(key)}, expected {settings.get(key)} as configured; "
                "remove the folder, so that it is made again, or configure what it was made with"
            )


def _read_record(path: Path, absent: Mapping[str, Any], what: str, remedy: str) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text()) if path.exists() else absent)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: found no {what} ({error}); {remedy}") from None


def _tree_lines(folder: str, prefix: str, depth: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_leftover(entry.name):  # Snakemake's timestamp is one of them
                continue
            if not entry.is_dir():
                yield f"{prefix}{entry.name}\0{entry.stat(follow_symlinks=Path(entry.path).exists()).st_size}\0\n"
            elif depth:
                yield from _tree_lines(entry.path, f"{prefix}{entry.name}/", depth - 1)
