"""Every setting that the paper does not give, with its value and the reason for it."""

from pathlib import Path

import pandas as pd

from align.configuration.assumptions import Assumption, declared_in
from align.configuration.schema import Configuration, Experiment
from align.datasets.settings import Dataset
from align.tables.printing import Block, Cell, Table, markdown

CAPTION = """
Every setting that the paper does not give: the value in this report, what it is, and why. The reason explains the
default. If the configuration sets another value, the reason says so.
"""


def defaults() -> Table:
    """Return the table of the library's own defaults, for a data set called ``name``."""
    experiments = {"name": Experiment(dataset="name")}
    configuration = Configuration(datasets={"name": Dataset(root=Path("data/name"))}, experiments=experiments)
    return assumptions(list(declared_in(configuration)))


def assumptions(rows: list[Assumption]) -> Table:
    """Return the table of the assumptions that :func:`declared_in` yields."""
    data = pd.DataFrame(rows, columns=Assumption._fields)
    printed = [[Cell(text) for text in (row.setting, row.value, row.what, _reason(row))] for row in rows]
    return Table(data, [Block("Settings that the paper does not give", ["Setting", "Value", "What", "Why"], printed)])


def _reason(row: Assumption) -> str:
    """Return the reason for the value. The declared one is a reason for the default only."""
    return row.because if row.value == row.default else f"set in the configuration; default {row.default}: {row.because}"


if __name__ == "__main__":
    print(markdown(defaults().blocks))
