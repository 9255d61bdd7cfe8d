"""An archive on this machine."""

from pathlib import Path
from typing import NamedTuple


class ArchiveFile(NamedTuple):
    """A ``.tar``, ``.tar.gz`` or ``.zip`` file on this machine.

    Attributes:
        path: the file. Its content, not its name, tells which of the three it is.
        unpacked_at_most: the most bytes that it may unpack to; a larger archive is refused.
    """

    path: Path
    unpacked_at_most: int
