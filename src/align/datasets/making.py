"""Making a data set's folder by its source."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_type_hints

from align.acquisition.archive_file import ArchiveFile
from align.acquisition.obtaining import ObtainedArchive
from align.datasets.folders import ACQUISITION, read_acquisition
from align.files import write_json
from align.registry import load


def make_dataset(
    root: Path,
    implementation: str,
    settings: Mapping[str, Any],
    archives: Mapping[str, tuple[Path, str, int]],
    listings: Mapping[str, Path],
) -> None:
    """Make the folder of a data set, and record the checksums of the archives that it came from, and their addresses.

    Args:
        root: the folder, which is not there yet.
        implementation: the source's function, as ``module:attribute``.
        settings: the source's settings, as plain values.
        archives: by name, the file that the rule ``download`` wrote of an archive, the archive's
            published file name, and the most bytes that it may unpack to.
        listings: by name, the files of ``reference/`` that the source reads.

    Raises:
        InputError: see the source.
    """
    make = load(implementation)
    # The settings of an archive say where it comes from. Only the rule ``download`` needs them.
    chosen = get_type_hints(make)["settings"](**{key: value for key, value in settings.items() if key not in archives})
    obtained = {
        file: ObtainedArchive.model_validate_json(verified.read_text()) for verified, file, unpacked_at_most in archives.values()
    }
    files = {
        key: ArchiveFile(obtained[file].path, unpacked_at_most, obtained[file].layout)
        for key, (_, file, unpacked_at_most) in archives.items()
    }
    make(root, chosen, **files, **listings)
    if archives:
        came_from = {
            "archives": {file: archive.sha256 for file, archive in obtained.items()},
            "served_by": {file: archive.served_by or str(archive.path) for file, archive in obtained.items()},
        }
        write_json(root / ACQUISITION, read_acquisition(root) | came_from)
