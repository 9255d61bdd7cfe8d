"""Downloads from one address that resume, try again and report their progress."""

import fcntl
import glob
import hashlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import gdown
from gdown.exceptions import DownloadCancelled, DownloadError, FileURLRetrievalError
from requests import ConnectionError, HTTPError, RequestException, Timeout  # noqa: A004
from requests.exceptions import ChunkedEncodingError
from tqdm import tqdm

from align.acquisition.integrity import IntegrityError
from align.errors import InputError

LOG = logging.getLogger("align")
Checked = TypeVar("Checked")
LONGEST_WAIT = 60.0  # seconds
CONNECTION_TIMEOUT = 15.0  # seconds
SPEED_WINDOW = 60.0  # seconds over which the least speed is measured
# A log gets a line of progress after so many seconds, or after so large a share of the file.
SECONDS_BETWEEN_LINES = 10.0
SHARE_BETWEEN_LINES = 0.05
TEMPORARY_STATUSES = {408, 425, 429, 500, 502, 503, 504}  # of HTTP: a later try may succeed
OTHER_WAYS = "give another `address:`, or download the file with a browser and name it with `archive:`"


class UnavailableError(InputError):
    """An address did not give the expected file. Another address may.

    Attributes:
        reason: what happened, without address and remedy.
        slow: whether the file was only too slow to wait for.
    """

    def __init__(self, address: str, reason: str, remedy: str = OTHER_WAYS, slow: bool = False) -> None:
        super().__init__(f"{address}: {reason}; {remedy}" if remedy else f"{address}: {reason}")
        self.reason = reason
        self.slow = slow


def download(
    address: str,
    path: Path,
    check: Callable[[Path], Checked],
    *,
    content: str | None = None,
    attempts: int = 8,
    first_wait: float = 1.0,
    timeout: float = 60.0,
    least_speed: float = 0.0,
) -> Checked:
    """Download a file to ``path``, whole and checked, or not at all, and return the result of the check.

    The part of a file that has arrived is kept in a hidden file beside ``path``, and the next call resumes it. A file that fails
    the check is removed.

    Args:
        address: a web address, or that of a file of Google Drive.
        path: where the file is stored once it has passed the check.
        check: gets the path of the downloaded file. It raises an :class:`~align.acquisition.integrity.IntegrityError` if that is
            not the expected file.
        content: SHA-256 of the file at the address, if it is known. A part from another address is resumed only if the same
            SHA-256 is known of the file there.
        attempts: the download gives up after so many tries in a row that brought no new bytes.
        first_wait: seconds to wait after the first such try. The wait doubles with each further one, up to a minute.
        timeout: seconds without an answer after which a try ends.
        least_speed: bytes per second, over a minute, below which the download gives up.

    Raises:
        UnavailableError: the server does not give the file, or does not give it now, or too slowly; or the file failed the check.
        InputError: the file cannot be written, or another process is downloading it.
    """
    unchecked = _hidden(path, address, content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not unchecked.exists():  # if it exists, an earlier call was killed during its check
            _retrieve(address, unchecked, attempts, first_wait, timeout, least_speed)
    except OSError as error:
        remedy = "expected a folder with room for it; make the folder, or room in it, and run again to resume the download"
        raise InputError(f"{path}: cannot be written ({error.strerror}), {remedy}") from None
    try:
        checked = check(unchecked)
    except IntegrityError as error:
        unchecked.unlink()
        raise UnavailableError(address, f"the downloaded file was removed: {error}", remedy="") from None
    unchecked.replace(path)
    _remove_parts(path)
    return checked


def has_arrived(path: Path, address: str, content: str | None) -> bool:
    """Return whether an earlier :func:`download` with the same arguments has left the file, or a part of it."""
    unchecked = _hidden(path, address, content)
    return unchecked.exists() or _part(unchecked).exists()


def _hidden(path: Path, address: str, content: str | None) -> Path:
    """Return the file that is not checked yet. Its name tells one content from another."""
    return path.with_name(f".{path.name}.{hashlib.sha256((content or address).encode()).hexdigest()[:8]}")


def _part(unchecked: Path) -> Path:
    """Return the file with the part that has arrived.

    gdown resumes any file with the name of its output, eight characters and ".part". By itself it would choose random ones.
    """
    return unchecked.with_name(f"{unchecked.name}-arrived.part")


def _remove_parts(path: Path) -> None:
    """Remove what other addresses have left of a file that is now whole."""
    hidden = f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}"
    for left in (*path.parent.glob(hidden), *path.parent.glob(f"{hidden}-arrived.part")):
        left.unlink(missing_ok=True)


def _retrieve(address: str, path: Path, attempts: int, first_wait: float, timeout: float, least_speed: float) -> None:
    with _partial_file(path) as (partial, file):
        furthest, fruitless, refusals = _size(file), 0, 0
        while True:
            before = _size(file)
            failure = _try_to_retrieve(address, path, file, timeout, least_speed)
            if failure is None:
                return
            # gdown raises this error without a cause when the server sent something else than the missing rest. Once may be a
            # busy moment. Twice in a row, the server supports no ranges, or the file there has changed: start anew.
            refused = isinstance(failure, DownloadError) and failure.__cause__ is None and 0 < before == _size(file)
            refusals = refusals + 1 if refused else 0
            if refusals == 2:
                file.truncate(0)
            size = _size(file)
            fruitless = 0 if size > furthest else fruitless + 1
            furthest = max(furthest, size)
            reason, kept = str(failure).partition("\n")[0], f"{size:,} bytes are kept in {partial}"
            if fruitless == attempts:
                raise UnavailableError(
                    address,
                    f"gave up after {attempts} tries in a row without new bytes ({reason}); {kept}",
                    f"run again to resume, {OTHER_WAYS}",
                )
            wait = min(first_wait * 2 ** max(fruitless - 1, 0), LONGEST_WAIT)
            LOG.warning("%s: %s; %s; try %d of %d in %.3g s", address, reason, kept, fruitless + 1, attempts, wait)
            time.sleep(wait)


def _try_to_retrieve(address: str, path: Path, file: BinaryIO, timeout: float, least_speed: float) -> Exception | None:
    """Return None if the file is now at ``path``, or the error if another try may help.

    Raises:
        UnavailableError: another try would not help.
    """
    try:
        with _progress(_title(path), _size(file)) as report, _speed_watch(file, least_speed) as too_slow:
            gdown.download(
                address,
                str(path),
                quiet=True,
                use_cookies=False,
                resume=True,
                timeout=(min(timeout, CONNECTION_TIMEOUT), timeout),
                progress=report,
                cancel=too_slow,
            )
    except DownloadCancelled:
        reason = f"slower than {least_speed:,.0f} bytes per second; {_size(file):,} bytes are kept"
        raise UnavailableError(address, reason, slow=True) from None
    except (RequestException, DownloadError) as error:
        if not _is_temporary(error):
            raise UnavailableError(address, f"cannot be downloaded ({' '.join(str(error).split())})") from None
        return error
    return None


def _title(unchecked: Path) -> str:
    return unchecked.stem.removeprefix(".")


@contextmanager
def _speed_watch(file: BinaryIO, least_speed: float) -> Iterator[threading.Event | None]:
    """Yield an event that is set when the file has grown too slowly for a whole window of time. None without a least speed."""
    if not least_speed:
        yield None
        return
    done, too_slow = threading.Event(), threading.Event()

    def watch() -> None:
        before = _size(file)
        while not done.wait(SPEED_WINDOW):
            if _size(file) - before < least_speed * SPEED_WINDOW:
                too_slow.set()
                return
            before = _size(file)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield too_slow
    finally:
        done.set()
        thread.join()


def _is_temporary(error: RequestException | DownloadError) -> bool:
    if isinstance(error, HTTPError):
        return error.response is not None and error.response.status_code in TEMPORARY_STATUSES
    if isinstance(error, FileURLRetrievalError):  # Google Drive gives no permission, or had too many downloads today
        return False
    return isinstance(error, (ConnectionError, Timeout, ChunkedEncodingError, DownloadError))


@contextmanager
def _partial_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the path and the open file of the part that has arrived, which gdown resumes. The file is locked.

    The lock keeps a second process from appending to the same file.

    Raises:
        InputError: another process is downloading the file.
    """
    partial = _part(path)
    with partial.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{partial}: another process is downloading it; wait for it, or end it") from None
        except OSError:
            LOG.warning("%s: this file system has no locks; make sure that no other process downloads the same file", partial)
        try:
            yield partial, file
        finally:
            if _size(file) == 0:
                partial.unlink(missing_ok=True)


def _size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


@contextmanager
def _progress(title: str, resumed: int) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function of the bytes so far and the bytes in all that reports both: as a bar on a terminal, as lines in a log."""
    start = time.monotonic()
    last_time, last_bytes = start, resumed
    with tqdm(desc=title, initial=resumed, unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False) as bar:

        def report(so_far: int, total: int | None) -> None:
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

        yield report
