"""Images that are in a data set more than once: with the same content, or nearly so."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from align.errors import InputError

NEAR = 3  # of the 64 bits of a perceptual hash
BITS, BAND = 64, 16
NAMED_AT_MOST = 10
COLUMNS = ["path", "copy_of", "copy", "domain", "other_domain"]


def duplicates(listing: pd.DataFrame) -> pd.DataFrame:
    """Return the images that are copies of another image.

    Args:
        listing: columns path, domain, sha256, and perceptual_hash: 16 hexadecimal digits.

    Returns:
        A row for each image that is a copy: path, copy_of (the first image of the same content, or the first near one), copy
        (``exact`` or ``near``), and the two domains. An image with an exact and a near one is an exact copy.
    """
    first = listing.groupby("sha256", sort=False)["path"].transform("first")
    exact = listing.assign(copy_of=first, copy="exact")[listing["path"] != first]
    originals = listing[listing["path"] == first]
    near_to = originals["path"].to_numpy()[_first_near(originals["perceptual_hash"])]
    near = originals.assign(copy_of=near_to, copy="near")[originals["path"] != near_to]
    found = pd.concat([exact, near]).sort_values(["copy", "path"])
    domain_of = dict(zip(listing["path"], listing["domain"]))
    return found.assign(other_domain=found["copy_of"].map(domain_of))[COLUMNS].reset_index(drop=True)


def _first_near(hashes: pd.Series) -> npt.NDArray[np.intp]:
    """Return for each hash the position of the first one before it that differs in at most ``NEAR`` bits, else its own position.

    Of four bands of bits, at least one is equal in such a pair. So only hashes with an equal band are compared.
    """
    values = np.array([int(text, 16) for text in hashes], dtype=np.uint64)
    first = np.arange(len(values))
    for start in range(0, BITS, BAND):
        band = (values >> np.uint64(start)) & np.uint64(2**BAND - 1)
        order = np.argsort(band, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(band[order])) + 1):
            for i, earlier in enumerate(members[:-1]):
                later = members[i + 1 :]
                close = later[np.bitwise_count(values[later] ^ values[earlier]) <= NEAR]
                first[close] = np.minimum(first[close], earlier)
    return first


def require_one_label(manifest: pd.DataFrame, root: str) -> None:
    """Check that images of one content have one class.

    Args:
        manifest: columns path, class, sha256.
        root: the data set's folder, for the message.

    Raises:
        InputError: some have two. The message lists them.
    """
    labels = manifest.groupby("sha256")["class"].transform("nunique")
    groups = [list(group["path"]) for _, group in manifest[labels > 1].groupby("sha256", sort=False)]
    if groups:
        more = f"\n  … and {len(groups) - NAMED_AT_MOST} more" if len(groups) > NAMED_AT_MOST else ""
        raise InputError(
            f"{root}: found {len(groups)} pictures that are in two classes, expected one class for each picture:\n"
            + "\n".join(f"  {' = '.join(paths)}" for paths in groups[:NAMED_AT_MOST])
            + f"{more}\n  keep each picture in the class that it shows, and remove the copies"
        )
