"""Makes sure that only one process trains a run. A second process asks for the run, and waits until the first one has left.

There are two locks. Both belong to the kernel, which frees them when a process ends, in whatever way. On a shared file system
they also work across machines.
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
LOCK = "lock"  # the process that trains holds it
WANTED = "wanted"  # the processes that wait hold it
INTERVAL = 0.2  # seconds between two checks


@contextmanager
def owned(folder: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the run with this ``folder``. If another process holds it, ask that process to leave, and wait.

    Args:
        folder: the folder of the run. It is made if it does not exist, and its owner may remove it.
        while_waiting: called again and again while this process waits. It may raise an exception.
    """
    lock = _locked(folder)
    if lock is None:
        LOG.warning("%s: another process trains this run (see the file %s); waiting until it has saved and left", folder, LOCK)
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
    """Return whether another process waits for the run with this ``folder``."""
    try:
        with (folder / WANTED).open("r+") as wanted:
            fcntl.flock(wanted, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no process has ever waited, or the file system has no locks
        return False
    return False


@contextmanager
def _asking(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / WANTED).open("a") as wanted:
        fcntl.flock(wanted, fcntl.LOCK_SH)
        yield


def _locked(folder: Path) -> IO[str] | None:
    """Lock the lock file of ``folder`` and return it. None if another process holds the lock."""
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / LOCK).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), (folder / LOCK).stat()):
            return file
    except (BlockingIOError, FileNotFoundError):  # another process holds the lock, or has just removed the file
        pass
    except OSError as error:
        LOG.warning("%s: the file system has no locks (%s): two processes could train this run at once", folder, error)
        return file
    file.close()
    return None
