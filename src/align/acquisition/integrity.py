"""Checking that an archive is the expected one."""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from align.acquisition.archive_file import ArchiveFile, Layout
from align.acquisition.archives import Archive, Mirror
from align.acquisition.extraction import regular_files
from align.errors import InputError
from align.files import whole_file

KINDS = {b"\x1f\x8b": "a gzip file", b"PK": "a zip file", b"<": "a web page"}
PUBLISHED = "as published; take it from elsewhere (`address:`, `archive:`), or state the `sha256:` of your changed file"


class IntegrityError(InputError):
    """A file is broken, or is not the expected one."""


class Verified(NamedTuple):
    """An archive that has passed its check: its SHA-256, hexadecimal, and its layout if that is not its publisher's."""

    sha256: str
    layout: Layout | None


def verify_archive(
    path: Path,
    archive: Archive,
    mirrors: Sequence[Mirror],
    record: Path,
    stated_sha256: str | None,
    require_counts: Callable[[ArchiveFile], None] | None = None,
) -> Verified:
    """Check an archive against its known size, checksums and numbers of images, and record its SHA-256 the first time.

    If the configuration states a checksum, only that counts. Otherwise the file must be that of one of ``mirrors``, and it must
    have the recorded checksum once there is one. An archive with neither a digest nor a record is read to its end first, so that
    no checksum of a broken archive is recorded.

    Args:
        path: the file.
        archive: its entry in the table of archives.
        mirrors: the mirror that the file was downloaded from. For a file from elsewhere, all mirrors of the archive: it must be
            the file of one of which something is known.
        record: the file with its recorded checksum, in the format of sha256sum.
        stated_sha256: the checksum that the configuration states, None if it states none.
        require_counts: checks the numbers of images in an archive whose layout is not its publisher's.

    Raises:
        IntegrityError: the file is broken, or is not the expected one.
        InputError: the file is absent, or the record cannot be read.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: found no such file, expected the archive {archive.file}; correct its path in the configuration"
        )
    digest_of = cache(lambda algorithm: _digest(path, algorithm))
    if stated_sha256:
        remedy = "as `sha256:` in the configuration; correct it, or take another file"
        _expect(path, digest_of("sha256"), stated_sha256, remedy)
        return Verified(stated_sha256, next((each.layout for each in archive.mirrors if each.sha256 == stated_sha256), None))
    mirror = _mirror_of(path, mirrors, digest_of)
    if recorded := recorded_sha256(record):
        _expect(
            path, digest_of("sha256"), recorded, f"as recorded at the first download; if the change is intended, remove {record}"
        )
    contents = ArchiveFile(path, archive.unpacked_at_most, mirror.layout)
    if mirror.layout and require_counts:
        _read(contents, require_counts)
    elif not (mirror.digest or recorded):
        _read(contents, _read_through)
    if not recorded:
        with whole_file(record) as partial:
            partial.write_text(f"{digest_of('sha256')}  {archive.file}\n")
    return Verified(digest_of("sha256"), mirror.layout)


def recorded_sha256(record: Path) -> str | None:
    """Return the checksum that was recorded at an archive's first download, None if there is no record.

    Raises:
        InputError: the record cannot be read.
    """
    if not record.exists():
        return None
    content = record.read_text(errors="replace")
    if match := re.fullmatch(r"([0-9a-f]{64})  .+\n", content):
        return match[1]
    raise InputError(f"{record}: found {content[:80]!r}, expected `<sha256>  <file name>`; restore or remove it")


def _mirror_of(path: Path, mirrors: Sequence[Mirror], digest_of: Callable[[str], str]) -> Mirror:
    """Return the first mirror whose file ``path`` may be. A mirror of which nothing is known counts only if all are like that.

    Raises:
        IntegrityError: the file is none of theirs.
    """
    differences = []
    for mirror in [each for each in mirrors if each.is_known] or mirrors:
        difference = _difference(path, mirror, digest_of)
        if difference is None:
            return mirror
        differences.append(difference)
    none_of = f"that is none of {len(differences)} files: " if len(differences) > 1 else ""
    raise IntegrityError(f"{path}: found {_kind(path)} {none_of}{'; '.join(differences)}, {PUBLISHED}")


def _difference(path: Path, mirror: Mirror, digest_of: Callable[[str], str]) -> str | None:
    size = path.stat().st_size
    if mirror.size not in (None, size):
        return f"of {size:,} bytes, expected {mirror.size:,} bytes"
    if mirror.digest:
        algorithm, expected = mirror.digest.split(":")
        if (found := digest_of(algorithm)) != expected:
            return f"with {algorithm} {found}, expected {expected}"
    return None


def _expect(path: Path, found: str, expected: str, remedy: str) -> None:
    if found != expected:
        raise IntegrityError(f"{path}: found {_kind(path)} with sha256 {found}, expected {expected}, {remedy}")


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1000).lstrip()
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), "a file of another kind")


def _read(archive: ArchiveFile, read: Callable[[ArchiveFile], None]) -> None:
    """Read an archive to its end, so that Python's readers check the checksums inside it."""
    try:
        read(archive)
    except IntegrityError:
        raise
    except InputError as error:
        raise IntegrityError(f"{archive.path}: found {_kind(archive.path)} that cannot be read to its end ({error})") from None


def _read_through(archive: ArchiveFile) -> None:
    for _ in regular_files(archive):
        pass
