"""Checking that an archive is the expected one."""

import hashlib
import re
from pathlib import Path

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.archives import Archive
from align.acquisition.extraction import regular_files
from align.errors import InputError
from align.files import sha256, whole_file

KINDS = {b"\x1f\x8b": "a gzip file", b"PK": "a zip file", b"<": "a web page"}


class IntegrityError(InputError):
    """A file is broken, or is not the expected one."""


def verify_archive(path: Path, archive: Archive, record: Path, stated_sha256: str | None) -> str:
    """Check an archive against its known size and checksums, and record its SHA-256 the first time.

    If the configuration states a checksum, only that counts. Otherwise the published size and digest count, and the recorded
    checksum once there is one. An archive with neither a digest nor a record is read to its end first, so that no checksum of a
    broken archive is recorded.

    Args:
        path: the file.
        archive: its entry in the table of archives.
        record: the file with its recorded checksum, in the format of sha256sum.
        stated_sha256: the checksum that the configuration states, None if it states none.

    Returns:
        The file's SHA-256, hexadecimal.

    Raises:
        IntegrityError: the file is broken, or is not the expected one.
        InputError: the file is absent, or the record cannot be read.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: found no such file, expected the archive {archive.file}; correct its path in the configuration"
        )
    if stated_sha256:
        return _expect(path, "sha256", stated_sha256, "as `sha256:` in the configuration; correct it, or take another file")
    published = "as published; take it from elsewhere (`address:`, `archive:`), or state the `sha256:` of your changed file"
    size = path.stat().st_size
    if archive.size is not None and size != archive.size:
        raise IntegrityError(f"{path}: found {_kind(path)} of {size:,} bytes, expected {archive.size:,} bytes, {published}")
    if archive.digest:
        algorithm, digest = archive.digest.split(":")
        _expect(path, algorithm, digest, published)
    if record.exists():
        remedy = f"as recorded at the first download; if the change is intended, remove {record}"
        return _expect(path, "sha256", _recorded(record), remedy)
    if not archive.digest:
        _read_through(path, archive)
    found = sha256(path)
    with whole_file(record) as partial:
        partial.write_text(f"{found}  {archive.file}\n")
    return found


def _expect(path: Path, algorithm: str, expected: str, remedy: str) -> str:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise IntegrityError(f"{path}: found {_kind(path)} with {algorithm} {found}, expected {expected}, {remedy}")
    return found


def _recorded(record: Path) -> str:
    content = record.read_text(errors="replace")
    if match := re.fullmatch(r"([0-9a-f]{64})  .+\n", content):
        return match[1]
    raise InputError(f"{record}: found {content[:80]!r}, expected `<sha256>  <file name>`; restore or remove it")


def _kind(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1000).lstrip()
    return next((kind for magic, kind in KINDS.items() if start.startswith(magic)), "a file of another kind")


def _read_through(path: Path, archive: Archive) -> None:
    """Read an archive to its end, so that Python's readers check the checksums inside it."""
    try:
        for _ in regular_files(ArchiveFile(path, archive.unpacked_at_most)):
            pass
    except InputError as error:
        raise IntegrityError(f"{path}: found {_kind(path)} that cannot be read to its end ({error})") from None
