"""How people rate the masks of each method: the human study, as in the paper's Fig. 5."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from align.methods.naming import method_title
from align.metrics import RATINGS
from align.metrics.printing import measure_title, number_text
from align.rating.summary import counted, mean_ratings, remarks
from align.results.titles import plain
from align.tables.printing import Block, Cell, Table

CAPTION = """
People rate masks without knowing which method made them: how much of the object a mask covers, how much background it
includes, and how good it is as a whole, from 1 to 5. Values are means over raters and images with 95 % intervals.
Methods that learn no mask show the saliency map of their prediction instead. The paper's Fig. 5 is such a study. It
publishes neither its scale nor its numbers, so the questions are this project's. Raters who fail the controls, true and
random masks, or who contradict themselves do not count. The table names them.
"""


def human_ratings(ratings: pd.DataFrame) -> Table:
    """Return a block for each data set and source domain: methods × questions.

    Args:
        ratings: ``ratings.csv``.
    """
    data = mean_ratings(counted(ratings))
    blocks = []
    for (dataset, source), rows in data.groupby(["dataset", "source_domain"], sort=False):
        cells = [
            [Cell(method_title(str(method))), *map(_cell, by_method.to_dict("records"))]
            for method, by_method in rows.groupby("method", sort=False)
        ]
        header = ["Method", *map(measure_title, RATINGS)]
        blocks.append(Block(f"{plain(str(dataset))}, trained on {plain(str(source))}", header, cells, " ".join(remarks(ratings))))
    return Table(data, blocks)


def _cell(answer: dict[Hashable, Any]) -> Cell:
    """Return the mean of a question with its interval."""
    value, low, high = (number_text(answer["question"], answer[name]) for name in ("value", "low", "high"))
    return Cell(f"{value} [{low}, {high}]")
