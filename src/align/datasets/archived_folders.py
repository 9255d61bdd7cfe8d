"""VLCS, PACS, Office-Home and DomainNet: archives that hold ``…/<domain>/<class>/<image>``."""

from collections import Counter
from functools import partial
from pathlib import Path, PurePosixPath

from align.acquisition.archive_file import ArchiveFile, Layout
from align.acquisition.extraction import extract
from align.datasets.scan import is_image
from align.errors import InputError
from align.files import whole_folder, write_json
from align.settings import Section

LAYOUT = Layout()


def unpack_archives(root: Path, settings: Section, **archives: ArchiveFile) -> None:
    """Write ``<root>/<domain>/<class>/<image>``, and ``<root>/acquisition.json`` with the numbers of files that were left out.

    Raises:
        InputError: see :func:`align.acquisition.extraction.extract`; or the archives hold no image; or ``root`` is not empty.
    """
    with whole_folder(root) as folder:
        extracted = [
            extract(archive, folder, partial(destination, layout=archive.layout or LAYOUT)) for archive in archives.values()
        ]
        images = sum(each.written for each in extracted)
        if not images:
            raise InputError(
                f"{', '.join(str(archive.path) for archive in archives.values())}: found no image, expected "
                "…/<domain>/<class>/<image>; take the archive from its publisher, or correct `archive:`"
            )
        left_out = sum((each.left_out for each in extracted), Counter[str]())
        write_json(folder / "acquisition.json", {"images": images, "left_out": dict(sorted(left_out.items()))})


def destination(member: PurePosixPath, layout: Layout = LAYOUT) -> PurePosixPath | str:
    """Return ``<domain>/<class>/<image>``, folder names without spaces, or the reason why ``member`` is left out."""
    if any(part.startswith(".") or part == "__MACOSX" for part in member.parts):
        return "hidden"
    if not is_image(Path(member)):
        return "not an image"
    place = layout.place(member)
    return PurePosixPath(*place, member.name) if place else f"not in {'/'.join(f'<{folder}>' for folder in layout.folders)}/"
