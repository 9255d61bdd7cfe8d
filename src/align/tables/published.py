"""Published numbers beside ours."""

from collections.abc import Callable, Mapping

import pandas as pd

from align.tables.printing import Block, Cell
from align.tables.summary import PERCENTAGES
from align.titles import method_title

NAMES = ("dataset", "target_domain", "source_domain")  # compared without regard to case and underscores


def published_values(data: pd.DataFrame, published: pd.DataFrame, places: Mapping[str, str]) -> pd.Series:
    """Return the published value of each row of ``data``, in the units of ``results/metrics.csv``; NaN where none is known.

    Args:
        data: dataset, method, metric and the columns that ``places`` names.
        published: dataset, method, metric, value (per cent where the tables print per cent), as in ``reference/``.
        places: columns of ``data`` that tell where a value was measured, with the columns of ``published`` that they are.
    """
    ours = data.rename(columns=places).assign(method=data["method"].map(method_title))
    keys = ["dataset", "method", "metric", *places.values()]
    scale = published["metric"].isin(PERCENTAGES).map({True: 100, False: 1})
    values = dict(zip(_keys(published, keys), published["value"] / scale))
    return pd.Series([values.get(key) for key in _keys(ours, keys)], index=data.index, dtype=float)


def with_published(block: Block, summary: pd.DataFrame, columns: str, whose: str, text: Callable[[str, float], str]) -> Block:
    """Return ``block`` with a further row for each method of which a value is published.

    Args:
        block: a comparison of ``summary``.
        summary: method, metric, ``columns`` and published, one row per cell of the block.
        columns: the column of ``summary`` that goes across.
        whose: whose values they are, for the names of the rows.
        text: gives a measure's value in print.
    """
    known = summary.dropna(subset="published")
    cells = {
        (method, place): Cell(text(metric, value))
        for method, place, metric, value in known[["method", columns, "metric", "published"]].itertuples(index=False)
    }
    across = summary[columns].unique()
    rows = [
        [Cell(f"{method_title(method)}, {whose}"), *(cells.get((method, place), Cell("")) for place in across)]
        for method in known["method"].unique()
    ]
    return block._replace(rows=[*block.rows, *rows])


def folded(name: str) -> str:
    """Return a name of a data set or domain as it is compared with published ones."""
    return name.lower().replace("_", "")


def _keys(frame: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    columns = [frame[key].fillna("").map(folded) if key in NAMES else frame[key] for key in keys]
    return list(zip(*columns))
