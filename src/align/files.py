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

from align.errors import InputError


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """Yield a new temporary folder beside ``path`` that becomes it when the block ends without an error.

    What killed processes have left beside ``path`` is removed.

    Raises:
        InputError: ``path`` exists and is not an empty folder: what is in it is never overwritten.
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
    partial.mkdir(parents=True)
    try:
        yield partial
        try:
            partial.replace(path)
        except OSError as error:
            raise InputError(f"{path}: found that another process has made it meanwhile ({error.strerror}); run again") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


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


def as_json(content: Any) -> str:
    """Return the text that :func:`write_json` writes."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
