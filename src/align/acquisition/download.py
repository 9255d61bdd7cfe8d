"""Downloads that resume, retry and show where they are."""

import fcntl
import glob
import hashlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import gdown
from gdown.exceptions import DownloadError, FileURLRetrievalError
from requests import ConnectionError, HTTPError, RequestException, Timeout  # noqa: A004
from requests.exceptions import ChunkedEncodingError
from tqdm import tqdm

from align.acquisition.integrity import IntegrityError
from align.errors import InputError

LOG = logging.getLogger("align")
Checked = TypeVar("Checked")
LONGEST_WAIT = 60.0  # seconds
SECONDS_BETWEEN_LINES = 10.0
SHARE_BETWEEN_LINES = 0.05
MOMENTARY = {408, 425, 429, 500, 502, 503, 504}  # HTTP: try again later
BY_HAND = "give another `address:`, or download it by a browser and name the file with `archive:`"


def download(
    address: str,
    path: Path,
    check: Callable[[Path], Checked],
    *,
    attempts: int = 8,
    first_wait: float = 1.0,
    timeout: float = 60.0,
) -> Checked:
    """Bring a file to ``path``, whole and checked, or not at all; return what the check returned.

    What has arrived of an incomplete file is kept beside ``path``, hidden, and the next call goes on from there. What fails the
    check is removed.

    Args:
        address: of HTTP, or of a file of Google Drive.
        path: where the file is put once it has passed the check.
        check: raises an :class:`~align.acquisition.integrity.IntegrityError` if the file that it is given is not what was meant.
        attempts: tries in a row that bring nothing before giving up.
        first_wait: seconds after the first of them; it doubles with each, up to a minute.
        timeout: seconds without an answer that end a try.

    Raises:
        IntegrityError: the file has failed the check.
        InputError: the address does not give the file, or not now; or it cannot be written.
    """
    unchecked = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not unchecked.exists():  # else an earlier call did not come to the end of its check
            _retrieve(address, unchecked, attempts, first_wait, timeout)
    except OSError as error:
        remedy = "expected a folder with room for it; make it, and run again to go on from what has arrived"
        raise InputError(f"{path}: cannot be written ({error.strerror}), {remedy}") from None
    try:
        checked = check(unchecked)
    except IntegrityError as error:
        unchecked.unlink()
        raise IntegrityError(f"{address}: what came from there is removed: {error}") from None
    unchecked.replace(path)
    return checked


def _retrieve(address: str, path: Path, attempts: int, first_wait: float, timeout: float) -> None:
    with _partial_file(path, address) as (partial, file):
        furthest, fruitless, refusals = _size(file), 0, 0
        while True:
            before = _size(file)
            failure = _try_to_retrieve(address, path, before, timeout)
            if failure is None:
                return
            # gdown raises this without a cause where the server sent something else than the missing rest. Twice in a row, it
            # is not a busy moment of the server: it knows no ranges, or the file there is another one now.
            refused = isinstance(failure, DownloadError) and failure.__cause__ is None and 0 < before == _size(file)
            refusals = refusals + 1 if refused else 0
            if refusals == 2:
                file.truncate(0)
            size = _size(file)
            fruitless = 0 if size > furthest else fruitless + 1
            furthest = max(furthest, size)
            reason, kept = str(failure).partition("\n")[0], f"{size:,} bytes are kept in {partial}"
            if fruitless == attempts:
                raise InputError(
                    f"{address}: gave up after {attempts} tries in a row that brought nothing ({reason}); {kept}; "
                    f"run again to go on from there, {BY_HAND}"
                )
            wait = min(first_wait * 2 ** max(fruitless - 1, 0), LONGEST_WAIT)
            LOG.warning("%s: %s; %s; try %d of %d in %.3g s", address, reason, kept, fruitless + 1, attempts, wait)
            time.sleep(wait)


def _try_to_retrieve(address: str, path: Path, resumed: int, timeout: float) -> Exception | None:
    """Return None if the file is now at ``path``, and why not if another try may help."""
    try:
        with _progress(path.name.removeprefix("."), resumed) as show:
            gdown.download(address, str(path), quiet=True, use_cookies=False, resume=True, timeout=timeout, progress=show)
    except (RequestException, DownloadError) as error:
        if not _is_momentary(error):
            raise InputError(f"{address}: cannot be downloaded ({' '.join(str(error).split())}); {BY_HAND}") from None
        return error
    return None


def _is_momentary(error: RequestException | DownloadError) -> bool:
    if isinstance(error, HTTPError):
        return error.response is not None and error.response.status_code in MOMENTARY
    if isinstance(error, FileURLRetrievalError):  # Google Drive: no permission, or too many downloads today
        return False
    return isinstance(error, (ConnectionError, Timeout, ChunkedEncodingError, DownloadError))


@contextmanager
def _partial_file(path: Path, address: str) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the partial file that gdown then resumes, locked: a second process would append to it too.

    gdown takes up a file named as its output, any eight characters and ".part"; of its own it would choose random ones. Here
    they are the address's, so that what has come from another one is dropped, and never continued.
    """
    partial = path.with_name(f"{path.name}{hashlib.sha256(address.encode()).hexdigest()[:8]}.part")
    for other in path.parent.glob(f"{glob.escape(path.name)}????????.part"):
        if other != partial:
            other.unlink()
    with partial.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{partial}: another process is downloading it; wait for that, or end it") from None
        except OSError:
            LOG.warning("%s: this file system has no locks; let no other process download it at the same time", partial)
        try:
            yield partial, file
        finally:
            if _size(file) == 0:
                partial.unlink(missing_ok=True)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


@contextmanager
def _progress(title: str, resumed: int) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function of (bytes so far, bytes in all) that shows both: a bar on a terminal, lines in a log."""
    start = time.monotonic()
    last_time, last_bytes = start, resumed
    with tqdm(desc=title, initial=resumed, unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:

        def show(so_far: int, total: int | None) -> None:
            nonlocal last_time, last_bytes
            bar.total = total
            bar.update(so_far - bar.n)
            now = time.monotonic()
            part_done = total is not None and so_far - last_bytes >= SHARE_BETWEEN_LINES * total
            if now - last_time < SECONDS_BETWEEN_LINES and not part_done:
                return
            last_time, last_bytes = now, so_far
            rate = (so_far - resumed) / (now - start)
            in_all, left = (f"{total:,}", f"{(total - so_far) / rate:.0f} s") if total is not None else ("?", "? s")
            LOG.info("%s: %s of %s bytes, %.1f MB/s, %s left", title, f"{so_far:,}", in_all, rate / 1e6, left)

        yield show
