"""The numbers of images of every domain: all, those of each split, and the published number."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from align.results.titles import plain
from align.tables.printing import Block, Cell, Table

CAPTION = """
Images of each domain, as listed and split for this report. Published numbers stand beside them if there are any. A data
set that is not whole carries a warning. For a data set that was made from its archives, the lines below it say what was
counted on the way, such as images that were left out.
"""

SPLITS = ("train", "validation", "test")
HEADER = ("Domain", "Images", "Train", "Validation", "Test", "Published", "Difference")
TOTAL = "all domains"


class DatasetCounts(NamedTuple):
    """What is known of the numbers of images of a data set.

    Attributes:
        splits: ``splits.csv``.
        counts: ``counts.csv``.
        acquisition: numbers that were counted when the folder was made from its archives; empty for other folders.
    """

    splits: pd.DataFrame
    counts: pd.DataFrame
    acquisition: Mapping[str, Any]


def data(datasets: Mapping[str, DatasetCounts]) -> Table:
    """Return a block for each data set, with a row for each domain and one for their sum; a note says what was left out."""
    tables = {name: _numbers(counts).assign(dataset=name) for name, counts in datasets.items()}
    blocks = [Block(plain(name), HEADER, _rows(tables[name]), " ".join(_remarks(counts))) for name, counts in datasets.items()]
    columns = ["dataset", "domain", "images", *SPLITS, "published", "difference"]
    return Table(pd.concat(tables.values(), ignore_index=True)[columns], blocks)


def _numbers(dataset: DatasetCounts) -> pd.DataFrame:
    published = dataset.counts.groupby("domain")["published"].sum(min_count=1)  # a published domain may have no image here
    by_split = pd.crosstab(dataset.splits["domain"], dataset.splits["split"])
    by_split = by_split.reindex(index=published.index, columns=SPLITS, fill_value=0)
    numbers = by_split.assign(images=by_split.sum(axis=1), published=published)
    numbers.loc[TOTAL] = numbers.sum(min_count=len(numbers))
    numbers = numbers.astype("Int64")
    return numbers.assign(difference=numbers["images"] - numbers["published"]).rename_axis("domain").reset_index()


def _rows(numbers: pd.DataFrame) -> list[list[Cell]]:
    columns = ["images", *SPLITS, "published", "difference"]
    return [
        [Cell(plain(domain)), *(Cell("" if pd.isna(value) else f"{value:,}") for value in row)]
        for domain, row in zip(numbers["domain"], numbers[columns].to_numpy())
    ]


def _remarks(dataset: DatasetCounts) -> Iterator[str]:
    """Yield a warning where the data set is not as published, then the numbers that were counted when its folder was made."""
    known = dataset.counts.dropna(subset="published")
    if (known["images"] != known["published"]).any():
        yield "Warning: not the published data set; numbers of images differ, and the configuration allows it."
    for missing in dataset.acquisition.get("incomplete", []):
        yield f"Warning: {missing}, and the configuration allows it."
    for name, number in _flat(dataset.acquisition):
        yield f"{name[0].upper()}{name[1:]}: {number:,}."


def _flat(counted: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in counted.items():
        if isinstance(value, Mapping):
            yield from ((f"{plain(name)}, {inner}", number) for inner, number in _flat(value))
        elif isinstance(value, int):
            yield plain(name), value
