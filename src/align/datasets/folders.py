"""The content of a folder of images, by the names of its files. Snakemake asks for it at every parse, so no image is opened."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from align.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
ACQUISITION = "acquisition.json"  # numbers of images in the archives that a folder was made from, and their checksums
SETTINGS_RECORD = "settings.json"  # the settings that a generator made the folder with


def is_image(path: Path) -> bool:
    """Return whether ``path`` has the name of an image that the pipeline reads: a JPEG or PNG that is not hidden."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def find_domains(root: Path) -> tuple[str, ...]:
    """Return the domains of a data set, sorted: the folders of ``root`` that have a class folder with an image in it.

    A folder of ground-truth masks, ``masks/<domain>/<class>/``, has its images one level deeper and is no domain.
    """
    return tuple(
        sorted(domain.name for domain in root.glob("[!.]*") if domain.is_dir() and any(map(is_image, domain.glob("[!.]*/*"))))
    )


def list_images(root: Path, domains: Iterable[str]) -> list[str]:
    """Return every image of ``domains`` as ``<domain>/<class>/<name>``, sorted."""
    images = (path for domain in domains for path in (root / domain).glob("[!.]*/*") if is_image(path))
    return sorted(path.relative_to(root).as_posix() for path in images)


def contents_hash(root: Path) -> str:
    """Return a hash of the names and sizes of all files. It stays the same when the files are copied or pulled again."""
    return _tree_hash(root, times=False)


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


def folder_fingerprint(root: Path) -> str:
    """Return a hash of the names, sizes and modification times of all files down to ``masks/<domain>/<class>/``.

    Raises:
        InputError: there is no such folder.
    """
    if not Path(root).is_dir():
        raise InputError(f"{root}: found no such folder, expected one with images; correct `root:`")
    return _tree_hash(root, times=True)


def _tree_hash(root: Path, times: bool) -> str:
    digest = hashlib.sha256()
    for line in sorted(_tree_lines(os.fspath(root), "", depth=3, times=times)):
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _tree_lines(folder: str, prefix: str, depth: int, times: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith("."):  # hidden files are no images, and Snakemake's timestamp is one of them
                continue
            if not entry.is_dir():
                status = entry.stat(follow_symlinks=Path(entry.path).exists())
                yield f"{name}\0{status.st_size}\0{status.st_mtime_ns if times else ''}\n"
            elif depth:
                yield from _tree_lines(entry.path, f"{name}/", depth - 1, times)
