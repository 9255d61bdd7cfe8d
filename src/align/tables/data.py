"""Every domain's images: how many, in which splits, and how many are published."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from align.results.titles import plain
from align.tables.printing import Block, Cell, Table

SPLITS = ("train", "validation", "test")
HEADER = ("Domain", "Images", "Train", "Validation", "Test", "Published", "Difference")
TOTAL = "all domains"


class Listed(NamedTuple):
    """What is known of the images of a data set.

    Attributes:
        splits: ``splits.csv``.
        counts: ``counts.csv``.
        acquisition: what was counted when the folder was made from its archives; empty for other folders.
    """

    splits: pd.DataFrame
    counts: pd.DataFrame
    acquisition: Mapping[str, Any]


def data(datasets: Mapping[str, Listed]) -> Table:
    """Return a block per data set: a row for each domain and their sum, and what was left out below it."""
    tables = {name: _numbers(listed).assign(dataset=name) for name, listed in datasets.items()}
    blocks = [Block(plain(name), HEADER, _rows(tables[name]), " ".join(_remarks(listed))) for name, listed in datasets.items()]
    columns = ["dataset", "domain", "images", *SPLITS, "published", "difference"]
    return Table(pd.concat(tables.values(), ignore_index=True)[columns], blocks)


def _numbers(listed: Listed) -> pd.DataFrame:
    published = listed.counts.groupby("domain")["published"].sum(min_count=1)  # a published domain may have no image here
    by_split = pd.crosstab(listed.splits["domain"], listed.splits["split"])
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


def _remarks(listed: Listed) -> Iterator[str]:
    """Yield a warning where the data set is not as published, then what was counted when its folder was made."""
    known = listed.counts.dropna(subset="published")
    if (known["images"] != known["published"]).any():
        yield "Warning: not the published data set; numbers of images differ, and the configuration allows it."
    for missing in listed.acquisition.get("incomplete", []):
        yield f"Warning: {missing}, and the configuration allows it."
    for name, number in _flat(listed.acquisition):
        yield f"{name[0].upper()}{name[1:]}: {number:,}."


def _flat(counted: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in counted.items():
        if isinstance(value, Mapping):
            yield from ((f"{plain(name)}, {inner}", number) for inner, number in _flat(value))
        elif isinstance(value, int):
            yield plain(name), value
