"""Reading and writing the CSV files that list a data set's images: ``manifest.csv`` and ``splits.csv``."""

from pathlib import Path

import pandas as pd

from align.errors import InputError
from align.files import whole_file

MANIFEST_COLUMNS = ("path", "domain", "class", "sha256")
HASH_COLUMNS = ("path", "perceptual_hash")
SPLITS_COLUMNS = ("path", "domain", "class", "split")
LEADS_OUT = r"^/|(?:^|/)\.\.(?:/|$)"


def read_listing(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a listing. All its values are text, since a class may be named ``1`` or ``NA``.

    Args:
        path: the CSV file.
        columns: the columns that it must have.

    Raises:
        InputError: the file is no table with these columns, a value is missing, or a path leads out of the data set's folder.
    """
    try:
        listing = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); remove it, so that it is made again") from None
    if tuple(listing.columns) != columns or (listing == "").to_numpy().any():
        raise InputError(f"{path}: found no whole table with columns {', '.join(columns)}; remove it, so that it is made again")
    for image in listing["path"][listing["path"].str.contains(LEADS_OUT)].head(1):
        raise InputError(
            f"{path}: found {image!r}, expected paths within the data set's folder; remove it, so that it is made again"
        )
    return listing


def write_listing(listing: pd.DataFrame, path: Path) -> None:
    """Write a listing. The file is written whole or not at all."""
    with whole_file(path) as partial:
        listing.to_csv(partial, index=False, lineterminator="\n")
