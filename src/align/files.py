"""Writing files and folders that are either whole or absent, reading JSON, and hashes of files and values."""

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

LEAST_ROOM = 2**20  # bytes


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield the path of a temporary file beside ``path``. It is renamed to ``path`` when the block ends without an error.

    Raises:
        InputError: the file cannot be written, see :func:`writing`.
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
    """Turn an error of the block about a full disk, a quota, a read-only file system or a permission into one clear message.

    Args:
        path: the file or folder that the block writes; the message names it.

    Raises:
        InputError: the system refused to write.
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
    """Return the error that says why the system refused to write ``path``, and what to do."""
    return InputError(
        f"{path}: cannot be written ({refusal.strerror}), expected room and permission; make room or give permission, and run "
        "again: all finished files are kept, and no partial file is left"
    )


@contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """Yield a new temporary folder beside ``path``. It is renamed to ``path`` when the block ends without an error.

    Temporary folders of ``path`` that killed processes of this machine left behind are removed first.

    Raises:
        InputError: ``path`` is a file, or a folder that is not empty, which is never overwritten; or the folder cannot be
            written, see :func:`writing`.
    """
    path = Path(path)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise InputError(f"{path}: found something there already, expected no such folder yet; remove it, or name another folder")
    host = socket.gethostname()  # on a shared disk, another machine may be writing its own temporary folder
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


def require_working_folder(folder: Path) -> None:
    """Check that Snakemake and its jobs can write in a working folder. An absent folder is made later.

    Raises:
        InputError: the folder, its results or Snakemake's records cannot be written; see :func:`require_writable`.
    """
    for path in (folder, *(folder / name for name in (".snakemake", ".snakemake/log", ".snakemake/metadata", "results"))):
        require_writable(path)


def require_writable(folder: Path) -> None:
    """Check that a folder is writable, if it exists.

    Raises:
        InputError: its file system is mounted read-only, permission is missing, or it is a file.
    """
    if folder.is_symlink() and not folder.exists():
        raise InputError(
            f"{folder.absolute()}: found a link to {folder.readlink()}, which is not there, expected a folder; nothing was "
            "started; make that folder, or remove the link"
        )
    if folder.exists() and not folder.is_dir():
        raise InputError(
            f"{folder.absolute()}: found a file, expected a folder; nothing was started; move it away, or run in another folder "
            "with --directory"
        )
    if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{folder.absolute()}: found a folder that cannot be written (it is mounted read-only or belongs to somebody else), "
            "expected a writable folder for results; nothing was started; mount it for writing, give permission, or run in "
            "another folder with --directory"
        )


def require_no_braces(place: str, path: Path | str) -> None:
    """Check a path or a part of it that a rule names.

    Raises:
        InputError: it has braces. Snakemake reads them as wildcards, and it has no way to write them otherwise.
    """
    if {"{", "}"} & set(str(path)):
        raise InputError(f"{place}: found braces in {path}, which stand for wildcards in Snakemake; rename it")


def require_room(folder: Path) -> None:
    """Check that a folder's disk has room for the files that Snakemake itself writes. Without it, Snakemake would crash.

    Raises:
        InputError: the disk is full.
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
        pass  # the process runs, and belongs to somebody else
    return True


def write_json(path: Path | str, content: Any) -> None:
    """Write ``content`` as indented JSON with a final newline. The file is written whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(as_json(content))


def read_json(path: Path | str) -> Any:
    """Return the content of a JSON file.

    Raises:
        InputError: the file is absent, cut short, or not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: found no JSON ({error}); remove it, so that it is made again, or restore it") from None


def as_json(content: Any) -> str:
    """Return the JSON text that :func:`write_json` writes."""
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


def value_hash(value: Any) -> str:
    """Return a hash of a JSON-like value that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
