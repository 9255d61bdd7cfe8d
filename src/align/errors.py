"""The one error that a user can cause and repair, and what else can stand behind an error."""

import errno
from collections.abc import Iterator

REFUSED_WRITES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
# torch raises a RuntimeError for memory of the host as well as of a GPU, and another one for each library on it.
NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


class InputError(ValueError):
    """Bad input: the message says what was found, what was expected and what to do, and names the file."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then the one that it was raised for or while handling, and so on: libraries hide the first."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def refused_write(error: BaseException) -> OSError | None:
    """Return why the system would not let something be written, where that is what stands behind ``error``."""
    refusals = (cause for cause in causes(error) if isinstance(cause, OSError) and cause.errno in REFUSED_WRITES)
    return next(refusals, None)


def lack_of_memory(error: BaseException) -> BaseException | None:
    """Return what ran out of memory, of the host or of a GPU, where that is what stands behind ``error``."""
    return next(filter(_lacks_memory, causes(error)), None)


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):  # a file that cannot be mapped
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(said in str(error) for said in NO_MEMORY))
