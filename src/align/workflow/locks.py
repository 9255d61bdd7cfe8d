"""Releases the locks of a Snakemake that was killed, if no other Snakemake runs in the folder."""

import fcntl
import logging
import os
import socket
from pathlib import Path

from align.errors import InputError

LOG = logging.getLogger("snakemake.logging")


def release_stale_locks(folder: Path) -> int | None:
    """Hold a shared lock in ``folder`` until this process ends. If no other process holds it, remove Snakemake's stale locks.

    The system frees the shared lock when its process ends, in whatever way. Machines that share a disk may not see each other's
    locks. So Snakemake's locks stay if another machine has made them: its process could still run.

    Args:
        folder: ``.snakemake``. It is made if it does not exist.

    Returns:
        The file descriptor of the lock. Child processes do not inherit it. None if the file system has no such locks.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
        file = os.open(folder / "alive", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise InputError(
            f"{folder.absolute()}: cannot be written ({error.strerror}), expected a writable folder for Snakemake's records; "
            "make room, give permission, or run in another folder with --directory"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass  # another Snakemake runs here
    except OSError:
        os.close(file)
        return None
    else:
        locks, host = sorted(folder.glob("locks/*.lock")), socket.gethostname().encode()
        if not locks or os.pread(file, 256, 0) in (b"", host):
            for lock in locks:
                lock.unlink(missing_ok=True)
            if locks:
                LOG.warning("%s: removed the locks of a Snakemake that was killed; no other one runs here", locks[0].parent)
            os.ftruncate(file, 0)
            os.pwrite(file, host, 0)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file
