"""The error that a user can cause and repair, and how to find the cause behind an error of a library."""

import errno
from collections.abc import Iterator

REFUSED_WRITES = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
# torch raises a RuntimeError when memory runs out, on the host as on a GPU. Each library below it has its own message.
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")


class InputError(ValueError):
    """Bad input. The message names the file and says what was found, what was expected and what to do."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, at most 160 characters, or the name of its type if it has no message."""
    return str(error).strip().partition("\n")[0][:160] or type(error).__name__


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, then its cause or the error that was handled when it was raised, and so on to the first.

    Libraries often replace the first error, which says most, by one of their own.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def refused_write(error: BaseException) -> OSError | None:
    """Return the first cause of ``error`` by which the system refused to write something, None where there is none."""
    refusals = (cause for cause in causes(error) if isinstance(cause, OSError) and cause.errno in REFUSED_WRITES)
    return next(refusals, None)


def lack_of_memory(error: BaseException) -> BaseException | None:
    """Return the first cause of ``error`` that says that the host or a GPU ran out of memory, None where there is none."""
    return next(filter(_lacks_memory, causes(error)), None)


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, OSError):  # a file cannot be mapped into memory
        return error.errno == errno.ENOMEM
    message = str(error) if isinstance(error, RuntimeError) else ""
    return isinstance(error, MemoryError) or any(text in message for text in OUT_OF_MEMORY)
