"""Records the SHA-256 of every result, and checks it before another job reads the file.

The check runs before the first job. Snakemake removes the outputs of a job when the job starts, so finding a broken input only
then would cost finished work.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from align import paths
from align.errors import InputError
from align.files import sha256, write_json

RESULTS = Path(paths.RESULTS)
RECORDS = Path(paths.CHECKSUMS)
NAMED_AT_MOST = 10


class Recorded(NamedTuple):
    """What was recorded of a file. Its content is hashed again only if its size or its modification time has changed."""

    sha256: str
    size: int
    modified_ns: int


def record_checksums(paths: Iterable[Path]) -> None:
    """Record the checksums of those ``paths`` that are files below ``results``."""
    for path in _results(paths):
        _record(path, sha256(path))


def forget_checksums(paths: Iterable[Path]) -> None:
    """Remove the checksums of ``paths``, which a job is about to write."""
    for path in paths:
        if path.is_relative_to(RESULTS):
            _record_path(path).unlink(missing_ok=True)


def require_unchanged(paths: Iterable[Path]) -> None:
    """Check that files have their recorded content. A file without a record passes.

    Raises:
        InputError: files have changed. The message names them.
    """
    changed = [problem for path in _results(paths) if (problem := _difference(path))]
    if changed:
        more = f"\n  … and {len(changed) - NAMED_AT_MOST} more" if len(changed) > NAMED_AT_MOST else ""
        raise InputError(
            f"found {len(changed)} results that have changed since they were written, expected them unchanged:\n  "
            + "\n  ".join(changed[:NAMED_AT_MOST])
            + f"{more}\nno job was started; restore these files, or remove them to have them made again"
        )


def _results(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_relative_to(RESULTS) and path.is_file()]


def _record_path(path: Path) -> Path:
    return RECORDS / f"{path.relative_to(RESULTS)}.json"


def _record(path: Path, checksum: str) -> None:
    status = path.stat()
    write_json(_record_path(path), Recorded(checksum, status.st_size, status.st_mtime_ns)._asdict())


def _difference(path: Path) -> str | None:
    recorded = _recorded(path)
    status = path.stat()
    if recorded is None or (recorded.size, recorded.modified_ns) == (status.st_size, status.st_mtime_ns):
        return None
    if recorded.size != status.st_size:
        return f"{path}: found {status.st_size:,} bytes, expected {recorded.size:,}"
    try:
        found = sha256(path)
    except OSError as error:
        return f"{path}: found a file that cannot be read ({error.strerror})"
    if found != recorded.sha256:
        return f"{path}: found SHA-256 {found[:12]}…, expected {recorded.sha256[:12]}…"
    _record(path, found)  # only the time has changed: Snakemake sets it after each job
    return None


def _recorded(path: Path) -> Recorded | None:
    try:
        content: dict[str, Any] = json.loads(_record_path(path).read_text())
        return Recorded(**content)
    except (OSError, ValueError, TypeError):
        return None
