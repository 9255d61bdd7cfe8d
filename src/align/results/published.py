"""Published numbers for our rows of results."""

from collections.abc import Mapping

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES

NAMES = ("dataset", "target_domain", "source_domain")  # compared without regard to case and underscores


def published_values(data: pd.DataFrame, published: pd.DataFrame, places: Mapping[str, str]) -> pd.Series:
    """Return the published value of each row of ``data``, in the units of ``metrics.csv``; NaN where none is known.

    Args:
        data: dataset, method, metric and the columns that ``places`` names.
        published: dataset, method, metric and value, as in ``reference/``. Values are in per cent where tables print per cent.
        places: for each column of ``data`` that says where a value was measured, the column of ``published`` that says the same.
    """
    ours = data.rename(columns=places).assign(method=data["method"].map(method_title))
    keys = ["dataset", "method", "metric", *places.values()]
    scale = [100 if MEASURES[metric].is_percentage else 1 for metric in published["metric"]]
    values = dict(zip(_keys(published, keys), published["value"] / scale))
    return pd.Series([values.get(key) for key in _keys(ours, keys)], index=data.index, dtype=float)


def comparable_name(name: str) -> str:
    """Return the name of a data set or domain in the form in which it is compared with published names."""
    return name.lower().replace("_", "")


def _keys(frame: pd.DataFrame, keys: list[str]) -> list[tuple[str, ...]]:
    columns = [frame[key].fillna("").map(comparable_name) if key in NAMES else frame[key] for key in keys]
    return list(zip(*columns))
