"""Every loss term, accuracy and mask area over the epochs of one source domain's runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from align.figures.style import colours, legend_on_top
from align.methods.naming import method_title
from align.results.titles import plain

KEYS = ["method", "seed"]


def curves(histories: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """Return all histories as one table: method, seed, epoch, phase, name, value.

    The masker's steps alone come before the epoch that they are recorded with: half an epoch earlier.

    Args:
        histories: each run's ``history.csv`` by method and seed.
    """
    data = pd.concat(histories, names=KEYS).reset_index(level=KEYS).reset_index(drop=True)
    return data.assign(epoch=data["epoch"].where(data["phase"] != "masker", data["epoch"] - 0.5))


def failures(accounts: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return every failure of the runs: method, seed, name, epoch.

    Args:
        accounts: the content of each ``run.json``.
    """
    rows = [
        (account["settings"]["method"], int(account["settings"]["seed"]), failure["name"], failure["epoch"])
        for account in accounts
        for failure in account["failures"]
    ]
    return pd.DataFrame(rows, columns=[*KEYS, "name", "epoch"])


def draw_training_curves(data: pd.DataFrame, failed: pd.DataFrame) -> Figure:
    """Return a panel per name: a line per method, the mean of its seeds, in a band from the lowest to the highest seed.

    Args:
        data: from :func:`curves`.
        failed: from :func:`failures`.
    """
    names = sorted(data["name"].unique(), key=_kind)
    methods = list(data["method"].unique())
    grid = sns.relplot(
        data.assign(method=data["method"].map(method_title)),
        x="epoch", y="value", hue="method", style="method", col="name", col_order=names, col_wrap=4, kind="line",
        palette=colours([method_title(method) for method in methods]), errorbar=("pi", 100),
        height=1.7, aspect=1.3, facet_kws={"sharey": False},
    )  # fmt: skip
    grid.set_axis_labels("epoch", "")
    ends = data[data["phase"] == "warm_up"].groupby("method")["epoch"].max() + 0.5
    markers = dict(zip(failed["name"].unique(), "XPDv"))
    for name, panel in grid.axes_dict.items():
        panel.set_title(plain(name))
        drawn = set(data.loc[data["name"] == name, "method"])
        for method, end in ends.items():
            if method in drawn:
                panel.axvline(end, color="0.4", linestyle=":")
        for _, failure in failed[failed["method"].isin(drawn)].iterrows():
            look = {"marker": markers[failure["name"]], "color": colours(methods)[failure["method"]], "clip_on": False}
            panel.plot(failure["epoch"], 1, transform=panel.get_xaxis_transform(), **look)
    marks = {"end of warm-up": Line2D([], [], color="0.4", linestyle=":")} if len(ends) else {}
    marks |= {name: Line2D([], [], color="0.2", linestyle="", marker=marker) for name, marker in markers.items()}
    legend_on_top(grid, marks)
    figure: Figure = grid.figure
    return figure


def _kind(name: str) -> int:
    """Return where a panel belongs: the classifier's losses, the masker's, then what is watched."""
    return 2 if name.startswith(("train_", "validation_")) else 1 if name.startswith("mask_") else 0
