"""Data sets that are a part of a published one."""

from pathlib import Path
from typing import NamedTuple

from align.results.collect import read_results


class Part(NamedTuple):
    """Some of the images of a published data set.

    Attributes:
        whole: the name of the published data set.
        images: the number of images that there are.
        published: the number of images of the whole.
    """

    whole: str
    images: int
    published: int

    @property
    def remark(self) -> str:
        """Say how much of the whole there is."""
        return f"{self.images:,} of its {self.published:,} images"


def read_part(counts: Path | str, whole: str) -> Part:
    """Return how much of the data set ``whole`` there is, by the part's ``counts.csv``."""
    table = read_results(counts)
    return Part(whole, int(table["images"].sum()), int(table["published"].sum()))
