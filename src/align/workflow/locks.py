"""Whether another Snakemake lives in a folder, and the locks of one that was killed."""

import fcntl
import logging
import os
import socket
from pathlib import Path

from align.errors import InputError

LOG = logging.getLogger("snakemake.logging")


def release_stale_locks(folder: Path) -> int | None:
    """Hold a shared lock in ``folder`` until this process ends; where nobody else does, remove what the dead have locked.

    The system lets go of the lock when a process ends, however it ends. On a disk of several machines whose system does not know
    the locks of the others, the dead of another machine could be alive: theirs stay.

    Args:
        folder: ``.snakemake``, made where it is absent.

    Returns:
        The lock's file descriptor, which child processes do not inherit; None where the file system has no such locks.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        file = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(
            f"{folder.absolute()}: cannot be written ({error.strerror}), expected a folder for Snakemake's own records; "
            "make room, give permission, or run in another folder with --directory"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # somebody lives
    except OSError:
        os.close(file)
        return None
    else:
        locks, host = sorted(folder.glob("locks/*.lock")), socket.gethostname().encode()
        if not locks or os.pread(file, 256, 0) in (b"", host):
            for lock in locks:
                lock.unlink(missing_ok=True)
            if locks:
                LOG.warning("%s: removed the locks of a Snakemake that was killed; none lives here", locks[0].parent)
            os.ftruncate(file, 0)
            os.pwrite(file, host, 0)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file
