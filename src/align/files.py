"""Files that are either whole or absent."""

import glob
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from align.errors import InputError, refused_write

LEAST_ROOM = 2**20


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block ends without an error.

    Raises:
        InputError: it cannot be written, see :func:`writing`.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Make one message, which names ``path``, of a full disk, a quota, a read-only file system or a missing permission.

    Raises:
        InputError: the system would not let it be written.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        refusal = refused_write(error)
        if refusal is None:
            raise
        raise not_written(path, refusal) from error


def not_written(path: Path | str, refusal: OSError) -> InputError:
    """Return the error that says why the system would not let ``path`` be written, and what to do."""
    return InputError(
        f"{path}: cannot be written ({refusal.strerror}), expected room for it and permission; make room or give permission, and "
        "run again: what is finished stays, and nothing half-written is left"
    )


@contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """Yield a new temporary folder beside ``path`` that becomes it when the block ends without an error.

    What killed processes have left beside ``path`` is removed.

    Raises:
        InputError: ``path`` exists and is not an empty folder: what is in it is never overwritten; or it cannot be written, see
            :func:`writing`.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: found something there already, expected no such folder yet; remove it or name another one")
    host = socket.gethostname()  # a shared disk may hold what another machine is writing
    for left in path.parent.glob(f".{glob.escape(f'{path.name}.{host}')}.*.partial"):
        pid = left.name.split(".")[-2]
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    partial = path.with_name(f".{path.name}.{host}.{os.getpid()}.partial")
    try:
        with writing(path):
            partial.mkdir(parents=True)
            yield partial
        try:
            partial.replace(path)
        except OSError as error:
            raise InputError(f"{path}: found that another process has made it meanwhile ({error.strerror}); run again") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_writable(folder: Path) -> None:
    """Check that something can be written into a folder, if it is there.

    Raises:
        InputError: its file system is mounted read-only, or permission is missing.
    """
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{folder.absolute()}: found a folder that cannot be written (mounted read-only, or somebody else's), expected one "
            "for results; nothing was started; mount it for writing, give permission, or run in another folder with --directory"
        )


def require_room(folder: Path) -> None:
    """Check that a disk has room for what Snakemake itself writes, which would otherwise end in the middle.

    Raises:
        InputError: it is full.
    """
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise InputError(
            f"{folder.absolute()}: found {free:,} bytes free, expected at least {LEAST_ROOM:,} for Snakemake's own records; "
            "nothing was started; make room and run again"
        )


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, as somebody else's
    return True


def write_json(path: Path | str, content: Any) -> None:
    """Write ``content`` as indented JSON with a final newline, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(as_json(content))


def read_json(path: Path | str) -> Any:
    """Return what a JSON file holds.

    Raises:
        InputError: it is cut short or holds something else.
    """
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: found no JSON ({error}); remove it, so that it is made again, or restore it") from None


def as_json(content: Any) -> str:
    """Return the text that :func:`write_json` writes."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
