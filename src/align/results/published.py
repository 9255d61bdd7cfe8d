"""Published numbers beside ours."""

from collections.abc import Mapping

import pandas as pd

from align.methods.naming import method_title
from align.tables.summary import PERCENTAGES

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


def comparable_name(name: str) -> str:
    """Return a name of a data set or domain as it is compared with published ones."""
    return name.lower().replace("_", "")


def _keys(frame: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    columns = [frame[key].fillna("").map(comparable_name) if key in NAMES else frame[key] for key in keys]
    return list(zip(*columns))
