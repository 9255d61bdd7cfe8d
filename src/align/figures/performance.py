"""How fast training is, from the files of `make bench` and `make bench-gpu`."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align.figures.style import WRONG, colours, nothing_to_draw
from align.methods.naming import method_title
from align.results.titles import setting_title

MEASURED_AT = ["device", "torch", "git_revision"]
SETTING = ["network", "size", "batch_size", "precision", "compile"]
DRAWN = ["benchmark", "name", "loader", "per_second", "ratio", "bound", "goal", "goal_of"]
LOADERS = {
    "packed": "packed, augmented in batches",
    "streamed": "the same, streamed to the GPU",
    "plain": "image files, DataLoader",
}
WIDTH = 3.6  # inches, of a panel


def performance(measurements: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return training steps and end-to-end throughput of every configuration that was measured end to end.

    Args:
        measurements: files of ``artifacts/performance``, one for each device.
    """
    data = pd.concat(measurements, ignore_index=True) if measurements else pd.DataFrame(columns=[*MEASURED_AT, *SETTING, *DRAWN])
    end_to_end = data.loc[data["benchmark"] == "end to end", [*MEASURED_AT, *SETTING]].drop_duplicates()
    drawn = data[data["benchmark"].isin(["end to end", "training step"])].merge(end_to_end)
    whole = drawn.astype({"size": int, "batch_size": int}).fillna({"git_revision": "not known"})
    return whole[[*MEASURED_AT, *SETTING, *DRAWN]]


def draw_performance(data: pd.DataFrame) -> Figure:
    """Return two panels for each device and configuration: images per second end to end, and steps as multiples of ERM's.

    Args:
        data: from :func:`performance`.
    """
    if data.empty:
        return nothing_to_draw("No measurement was found; `make bench` writes one.")
    settings = list(data.groupby([*MEASURED_AT, *SETTING], sort=False))
    height = 0.9 + 0.2 * data[data["benchmark"] == "training step"]["name"].nunique()
    size = (2 * WIDTH, height * len(settings))
    figure, axes = plt.subplots(len(settings), 2, figsize=size, squeeze=False, layout="constrained")
    for (left, right), (keys, rows) in zip(axes, settings):
        device, version, revision, network, pixels, batch_size, precision, compiled = map(str, keys)
        _draw_throughput(left, rows[rows["benchmark"] == "end to end"])
        _draw_steps(right, rows[rows["benchmark"] == "training step"])
        compilation = [] if compiled == "none" else [f"compiled: {compiled}"]
        left.set_title(f"{device}\ntorch {version}; commit {revision[:9]}{'-dirty' * revision.endswith('-dirty')}")
        right.set_title(setting_title(network, f"{pixels} pixels", f"batch {batch_size}", precision, *compilation))
    handles = {label: handle for panel in figure.axes for handle, label in zip(*panel.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncol=3, frameon=False)
    return figure


def _draw_throughput(panel: Axes, rows: pd.DataFrame) -> None:
    """Draw a bar for each method and way to load images."""
    named = rows.assign(name=rows["name"].map(method_title), loader=rows["loader"].map(LOADERS))
    palette = colours(list(LOADERS.values()))
    shown = [title for title in palette if title in set(named["loader"])]
    used = [palette[title] for title in shown]
    sns.barplot(named, x="per_second", y="name", hue="loader", hue_order=shown, palette=used, width=0.5, ax=panel)
    panel.legend().remove()  # the figure has one for all panels
    panel.set(xlabel="images per second, end to end", ylabel="")


def _draw_steps(panel: Axes, rows: pd.DataFrame) -> None:
    """Draw a bar for each method's step, with its bound and, where its ratio has one, its goal."""
    named = rows.assign(name=rows["name"].map(method_title))
    sns.barplot(named, x="ratio", y="name", color="0.75", ax=panel)
    passes = "passes through the network, of ERM's"
    panel.scatter(named["bound"], named["name"], marker="|", s=90, color="black", label=passes, zorder=3)
    goals = named["goal"].where(named["goal_of"] == "ratio")
    panel.scatter(goals, named["name"], marker="D", s=14, color=WRONG, label="goal, at most", zorder=3)
    panel.set(xlabel="time of a training step, of ERM's", ylabel="")
