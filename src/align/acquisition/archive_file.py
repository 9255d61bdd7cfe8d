"""An archive on this machine."""

from pathlib import Path, PurePosixPath
from typing import NamedTuple

from align.settings import Section

FOLDERS = ("domain", "class")


class Layout(Section):
    """How the paths in an archive name the domain and the class of an image. The last part of a path is the image's name.

    Attributes:
        folders: what the last folders of a path are, such as ``("domain", "split", "class")`` for
            ``…/<domain>/<split>/<class>/<image>``. ``domain`` and ``class`` are among them, and what else is there is left out.
        renamed: names of domains in the archive, each with the data set's own name for it.
    """

    folders: tuple[str, ...] = FOLDERS
    renamed: tuple[tuple[str, str], ...] = ()

    def place(self, member: PurePosixPath) -> tuple[str, str] | None:
        """Return the domain and the class that a path names, spaces replaced by ``_``. None if it has too few folders."""
        if len(member.parts) <= len(self.folders):
            return None
        names = dict(zip(self.folders, member.parts[-len(self.folders) - 1 : -1]))
        domain, label = (names[folder].replace(" ", "_") for folder in FOLDERS)
        return dict(self.renamed).get(domain, domain), label


class ArchiveFile(NamedTuple):
    """A ``.tar``, ``.tar.gz`` or ``.zip`` file on this machine.

    Attributes:
        path: the file. Its content, not its name, tells which of the three it is.
        unpacked_at_most: the most bytes that it may unpack to; a larger archive is refused.
        layout: how its paths name domain and class. None: as in the archive of the data set's publisher.
    """

    path: Path
    unpacked_at_most: int
    layout: Layout | None = None
