"""Whether what a job left behind is still what it wrote: SHA-256 beside the results, checked before another job reads it.

A job's outputs are removed when it starts, so that a foreign or broken input that is found by then has cost finished work.
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
SHOWN = 10


class Recorded(NamedTuple):
    """What was known of a file when it was last looked at; its content is read again where size or time are others."""

    sha256: str
    size: int
    modified_ns: int


def record_checksums(paths: Iterable[Path]) -> None:
    """Remember the content of the files among ``paths`` that are results."""
    for path in _results(paths):
        _remember(path, sha256(path))


def forget_checksums(paths: Iterable[Path]) -> None:
    """Forget the content of ``paths``, which are about to be written."""
    for path in paths:
        if path.is_relative_to(RESULTS):
            _record_of(path).unlink(missing_ok=True)


def require_unchanged(paths: Iterable[Path]) -> None:
    """Check that files have the content that was recorded of them; what was not recorded is not known to be wrong.

    Raises:
        InputError: some have another (each is named).
    """
    changed = [problem for path in _results(paths) if (problem := _difference(path))]
    if changed:
        more = f"\n  … and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
        raise InputError(
            f"found {len(changed)} results that are not what was written, expected them unchanged:\n  "
            + "\n  ".join(changed[:SHOWN])
            + f"{more}\nnothing was started; restore them, or remove them, so that they are made again where they are needed"
        )


def _results(paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if path.is_relative_to(RESULTS) and path.is_file()]


def _record_of(path: Path) -> Path:
    return RECORDS / f"{path.relative_to(RESULTS)}.json"


def _remember(path: Path, content: str) -> None:
    status = path.stat()
    write_json(_record_of(path), Recorded(content, status.st_size, status.st_mtime_ns)._asdict())


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
    _remember(path, found)  # its time alone has changed: Snakemake sets that after each job
    return None


def _recorded(path: Path) -> Recorded | None:
    try:
        content: dict[str, Any] = json.loads(_record_of(path).read_text())
        return Recorded(**content)
    except (OSError, ValueError, TypeError):
        return None
