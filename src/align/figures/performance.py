"""The speed of training, from the files of `make bench` and `make bench-gpu`."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align.figures.style import WRONG, Drawing, colours, nothing_to_draw
from align.methods.naming import method_title
from align.results.titles import setting_title

CAPTION = """
How fast training is, as measured by ``make bench`` and ``make bench-gpu``. Above its panels stand the device, the
version of torch, the commit and the configuration. They can differ from those of the runs in this report.

*Left*: images per second of complete training, from stored images to the optimiser's step. One bar uses this library's
packed images. The other uses image files, the transforms of torchvision, and a DataLoader with one worker per core.

*Right*: the time of one training step, as a multiple of ERM's. The black line is the number of passes through the
network, as a multiple of ERM's. It is a lower bound. A time can be below it only where larger batches are more
efficient: with a small network, or on a GPU that a batch does not fill. The diamond is the goal: the time should be at
most this.
"""

SYSTEM = ["device", "torch", "git_revision"]
SETTING = ["network", "size", "batch_size", "precision", "compile"]
RESULT = ["benchmark", "name", "loader", "per_second", "ratio", "bound", "goal", "goal_of"]
LOADERS = {
    "packed": "packed, augmented in batches",
    "streamed": "the same, streamed to the GPU",
    "plain": "image files, DataLoader",
}
WIDTH = 3.6  # inches, of a panel


def performance(measurements: Sequence[pd.DataFrame]) -> Drawing:
    """Return two panels for each device and setting: images per second end to end, and training steps as multiples of ERM's.

    Args:
        measurements: files of ``artifacts/performance``, one for each device.
    """
    data = speeds(measurements)
    return Drawing(data, draw_performance(data))


def speeds(measurements: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the training steps and the end-to-end throughput of every setting that was measured end to end.

    Args:
        measurements: see :func:`performance`.

    Returns:
        The columns of ``SYSTEM``, ``SETTING`` and ``RESULT``.
    """
    data = pd.concat(measurements, ignore_index=True) if measurements else pd.DataFrame(columns=[*SYSTEM, *SETTING, *RESULT])
    end_to_end = data.loc[data["benchmark"] == "end to end", [*SYSTEM, *SETTING]].drop_duplicates()
    rows = data[data["benchmark"].isin(["end to end", "training step"])].merge(end_to_end)
    rows = rows.astype({"size": int, "batch_size": int}).fillna({"git_revision": "not known"})
    return rows[[*SYSTEM, *SETTING, *RESULT]]


def draw_performance(data: pd.DataFrame) -> Figure:
    """Draw the data of :func:`speeds`."""
    if data.empty:
        return nothing_to_draw("No measurement was found; `make bench` writes one.")
    settings = list(data.groupby([*SYSTEM, *SETTING], sort=False))
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
    palette = {title: colour for title, colour in colours(list(LOADERS.values())).items() if title in set(named["loader"])}
    sns.barplot(named, x="per_second", y="name", hue="loader", hue_order=list(palette), palette=palette, width=0.5, ax=panel)
    panel.legend().remove()  # the figure has one for all panels
    panel.set(xlabel="images per second, end to end", ylabel="")


def _draw_steps(panel: Axes, rows: pd.DataFrame) -> None:
    """Draw a bar for each method's step, with its bound, and with the goal for its ratio where there is one."""
    named = rows.assign(name=rows["name"].map(method_title))
    sns.barplot(named, x="ratio", y="name", color="0.75", ax=panel)
    passes = "passes through the network, of ERM's"
    panel.scatter(named["bound"], named["name"], marker="|", s=90, color="black", label=passes, zorder=3)
    goals = named["goal"].where(named["goal_of"] == "ratio")
    panel.scatter(goals, named["name"], marker="D", s=14, color=WRONG, label="goal, at most", zorder=3)
    panel.set(xlabel="time of a training step, of ERM's", ylabel="")
