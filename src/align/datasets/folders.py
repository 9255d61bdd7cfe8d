"""What a folder of images holds, without opening an image: cheap enough for every parse of the workflow."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from align.errors import InputError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
ACQUISITION = "acquisition.json"  # what was counted when a folder was made from archives, and their checksums
SETTINGS_RECORD = "settings.json"  # what a generator made the folder with


def is_image(path: Path) -> bool:
    """Tell by its name whether ``path`` is one of the images that the pipeline reads."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def find_domains(root: Path) -> tuple[str, ...]:
    """Return the folders of ``root`` that hold a folder with an image directly inside, sorted.

    A folder of ground-truth masks, ``masks/<domain>/<class>/``, is one level deeper and so no domain.
    """
    return tuple(
        sorted(domain.name for domain in root.glob("[!.]*") if domain.is_dir() and any(map(is_image, domain.glob("[!.]*/*"))))
    )


def contents_hash(root: Path) -> str:
    """Return a hash of the names and sizes of all files: what stays the same when they are copied, or pulled again."""
    return _hash_of_stamps(root, times=False)


def read_acquisition(root: Path) -> dict[str, Any]:
    """Return what was counted when a folder was made from its archives; nothing where it was not.

    Raises:
        InputError: what it says cannot be read.
    """
    path = root / ACQUISITION
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: found no counts ({error}); restore or remove it") from None


def require_settings(root: Path, settings: Mapping[str, Any]) -> None:
    """Check that a folder was generated with ``settings``, where it says with which.

    Raises:
        InputError: it was generated with others.
    """
    record = root / SETTINGS_RECORD
    try:
        made_with = dict(json.loads(record.read_text()) if record.exists() else settings)
    except (ValueError, TypeError) as error:
        raise InputError(f"{record}: found no settings ({error}); restore it with `dvc pull`, or remove {root}") from None
    for key in sorted({*made_with, *settings}):
        if made_with.get(key) != settings.get(key):
            raise InputError(
                f"{root}: found images made with {key}: {made_with.get(key)}, expected {settings.get(key)} as configured; "
                "remove the folder, so that it is made again, or configure what it was made with"
            )


def folder_fingerprint(root: Path) -> str:
    """Return a hash of the names, sizes and modification times of all files to the depth of ``masks/<domain>/<class>/``.

    Raises:
        InputError: no such folder.
    """
    if not Path(root).is_dir():
        raise InputError(f"{root}: found no such folder, expected one with images; correct `root:`")
    return _hash_of_stamps(root, times=True)


def _hash_of_stamps(root: Path, times: bool) -> str:
    digest = hashlib.sha256()
    for line in sorted(_stamps(os.fspath(root), "", depth=3, times=times)):
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _stamps(folder: str, prefix: str, depth: int, times: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if entry.name.startswith("."):  # not looked at either; Snakemake's timestamp is one
                continue
            if not entry.is_dir():
                status = entry.stat(follow_symlinks=Path(entry.path).exists())
                yield f"{name}\0{status.st_size}\0{status.st_mtime_ns if times else ''}\n"
            elif depth:
                yield from _stamps(entry.path, f"{name}/", depth - 1, times)
