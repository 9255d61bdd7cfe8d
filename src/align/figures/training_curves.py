"""Every loss term, the accuracy and the mask's area over the epochs, for the runs of one source domain."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from align.figures.style import Drawing, legend_on_top, method_colours
from align.methods.naming import method_title
from align.results.titles import plain

CAPTION = """
Training on {sources} of {dataset}. The curves show every loss term, the mask's area and the values on the validation
split, over epochs. A line is the mean over seeds. Its band reaches from the lowest to the highest seed. The dotted line
marks the end of ALIGN's warm-up. Steps that train only the masker lie on that line. Signs on the upper edge mark
failures, in the colour of their method.
"""

KEYS = ["method", "seed"]


def training_curves(histories: Mapping[tuple[str, int], pd.DataFrame], accounts: Sequence[Mapping[str, Any]]) -> Drawing:
    """Return a panel for each name: a line for each method, the mean of its seeds, in a band from lowest to highest seed.

    Args:
        histories: each run's ``history.csv``, by method and seed.
        accounts: the content of each ``run.json``.
    """
    data = curves(histories)
    return Drawing(data, draw_training_curves(data, failures(accounts)))


def curves(histories: Mapping[tuple[str, int], pd.DataFrame]) -> pd.DataFrame:
    """Return all histories as one table: method, seed, epoch, phase, name, value.

    Steps that train only the masker come before the epoch that they are recorded with. They are placed half an epoch earlier.

    Args:
        histories: each run's ``history.csv``, by method and seed.
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
    """Draw the data of :func:`curves`, and marks for the failures of :func:`failures`."""
    names = sorted(data["name"].unique(), key=_kind)
    palette = method_colours(data["method"].unique())
    grid = sns.relplot(
        data.assign(method=data["method"].map(method_title)),
        x="epoch", y="value", hue="method", style="method", col="name", col_order=names, col_wrap=4, kind="line",
        palette=palette, errorbar=("pi", 100),
        height=1.7, aspect=1.3, facet_kws={"sharey": False},
    )  # fmt: skip
    grid.set_axis_labels("epoch", "")
    ends = data[data["phase"] == "warm_up"].groupby("method")["epoch"].max() + 0.5
    markers = dict(zip(failed["name"].unique(), "XPDv"))
    for name, panel in grid.axes_dict.items():
        panel.set_title(plain(name))
        in_panel = set(data.loc[data["name"] == name, "method"])
        for method, end in ends.items():
            if method in in_panel:
                panel.axvline(end, color="0.4", linestyle=":")
        for _, failure in failed[failed["method"].isin(in_panel)].iterrows():
            look = {"marker": markers[failure["name"]], "color": palette[method_title(failure["method"])], "clip_on": False}
            panel.plot(failure["epoch"], 1, transform=panel.get_xaxis_transform(), **look)
    marks = {"end of warm-up": Line2D([], [], color="0.4", linestyle=":")} if len(ends) else {}
    marks |= {name: Line2D([], [], color="0.2", linestyle="", marker=marker) for name, marker in markers.items()}
    legend_on_top(grid, marks)
    figure: Figure = grid.figure
    return figure


def _kind(name: str) -> int:
    """Return the place of a panel: first the classifier's losses, then the masker's, then what is only monitored."""
    return 2 if name.startswith(("train_", "validation_")) else 1 if name.startswith("mask_") else 0
