"""One process trains a run: another that wants it asks for it, and waits until it may go on.

Both locks are the kernel's, which frees them whatever becomes of a process; a shared file system has them across machines.
"""

import fcntl
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOG = logging.getLogger("align")
LOCK = "lock"  # held by the process that trains
WANTED = "wanted"  # held by those that wait
INTERVAL = 0.2  # seconds between two looks


@contextmanager
def owned(folder: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the run whose ``folder`` this is; a process that holds it is asked to leave, and waited for.

    Args:
        folder: made if need be; its owner may remove it.
        while_waiting: called again and again; may raise.
    """
    lock = _locked(folder)
    if lock is None:
        LOG.warning("%s: another process trains this run (see %s there); waiting until it has saved and left", folder, LOCK)
        while lock is None:
            with _asking(folder):
                time.sleep(INTERVAL)
            while_waiting()
            lock = _locked(folder)
    with lock:
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        lock.flush()
        yield


def is_wanted(folder: Path) -> bool:
    """Return whether another process waits for the run of ``folder``."""
    try:
        with (folder / WANTED).open("r+") as wanted:
            fcntl.flock(wanted, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # nobody has ever waited, or there are no locks
        return False
    return False


@contextmanager
def _asking(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / WANTED).open("a") as wanted:
        fcntl.flock(wanted, fcntl.LOCK_SH)
        yield


def _locked(folder: Path) -> IO[str] | None:
    """Return the lock file of ``folder``, locked, or None where another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), (folder / LOCK).stat()):
            return file
    except (BlockingIOError, FileNotFoundError):  # held; or removed by the one that held it
        pass
    except OSError as error:
        LOG.warning("%s: the file system has no locks (%s): nothing keeps two processes from training this run", folder, error)
        return file
    file.close()
    return None
