"""The content of the user's own files. A job depends on it by a parameter, so that the times of the files do not count.

A file is read once. As long as its size and times are the same, its remembered checksum holds. A file that was touched, copied or
restored has new times: it is read again and found equal, and nothing runs.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from align.datasets.annotation_files import annotation_files
from align.datasets.scan import is_leftover, list_images, scan
from align.datasets.settings import Dataset
from align.files import sha256, whole_file

RECORDS = Path(".snakemake/contents")

Stamp = tuple[int, int, int]  # size, time of modification, time of change: the last one cannot be set back


def images_content(name: str, dataset: Dataset, remember: bool) -> str | None:
    """Return a hash of the user's images of a data set. None if a source makes them: a rule tracks its folder."""
    if dataset.source:
        return None
    found = scan(dataset.root, dataset.domains, dataset.classes, dataset.annotation_folders)
    return content_hash(f"images of {name}", dataset.root, found.files, remember)


def annotations_content(name: str, dataset: Dataset, key: str, domain: str, remember: bool) -> str | None:
    """Return a hash of the user's annotations of a domain, by the entries of ``key``. None if there are none.

    If a source makes the images, they may not be there yet. Then every file of the annotations' folders counts, except for
    those that the source makes, too.
    """
    entries = dataset.annotations[key]
    if dataset.source:
        folders = [truth.folder for truth in entries if not truth.folder.is_relative_to(dataset.root)]
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not is_leftover(path.name)]
    else:
        files = annotation_files(entries, dataset.root, list_images(dataset.root, dataset.domains), domain)
    return content_hash(f"{key} of {name}, {domain}", Path(), map(str, files), remember) if files else None


def content_hash(name: str, root: Path, files: Iterable[str], remember: bool) -> str:
    """Return a hash of the names and contents of files. A file that cannot be read has none: the job that needs it says why.

    Args:
        name: the name of the record of these files.
        root: the folder of the files.
        files: the files, relative to ``root``.
        remember: whether to write the record. Only one process at a time may do so.
    """
    stamps = {file: _stamp(root / file) for file in sorted(files)}
    state = _hash([str(root.absolute()), *(f"{file}\0{stamp}" for file, stamp in stamps.items())])
    # Another configuration may have a data set of this name in another folder.
    record = RECORDS / f"{name}-{_hash([str(root.absolute())])[:8]}.json"
    known: dict[str, tuple[Stamp, str]] = {}
    with suppress(OSError, ValueError, TypeError), record.open() as lines:
        recorded_state, content = json.loads(next(lines))
        if recorded_state == state:
            return str(content)
        known = {file: (tuple(stamp), checksum) for file, (stamp, checksum) in json.loads(next(lines)).items()}
    now = {file: (stamp, _checksum(root / file, stamp, known.get(file))) for file, stamp in stamps.items()}
    content = _hash(f"{file}\0{checksum}" for file, (_, checksum) in now.items())
    if remember:
        with whole_file(record) as partial:
            partial.write_text(f"{json.dumps([state, content])}\n{json.dumps(now)}\n")
    return content


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _checksum(path: Path, stamp: Stamp, known: tuple[Stamp, str] | None) -> str:
    if known and known[0] == stamp:
        return known[1]
    try:
        return sha256(path)
    except OSError:
        return ""


def _hash(lines: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(os.fsencode(f"{line}\n"))
    return digest.hexdigest()[:16]
