"""Accuracy and macro accuracy against each hyper-parameter that was varied, and against pairs of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from align.figures.style import Drawing, colours, nothing_to_draw
from align.methods.naming import method_of, method_title
from align.metrics.printing import mean_and_spread
from align.results.accuracies import accuracies, accuracy_label
from align.results.collect import study_rows
from align.results.summary import averages, seed_summary
from align.results.titles import DISTRIBUTION_TITLES, plain, setting_title

CAPTION = """
How much accuracy depends on the hyper-parameters of a method. In the curves, one changes at a time, and all others keep
their defaults. Each value is a point with mean ± standard deviation over seeds; one seed has no spread. A dotted line
marks the default. In the grids, two change at a time. Each pair of values is a cell, and the default has a frame. A pair
that was not run has an empty cell. Every value is the mean over test images, then over target domains, then over source
domains, in and out of distribution. Where macro accuracy differs from accuracy by a point or more, it has panels of its
own.
"""

STUDIED = ["dataset", "protocol", "metric", "method"]
POINT = ["setting", "value", "second_setting", "second_value", "default"]
COLUMNS = 3
PANEL = (2.9, 2.3)  # inches
DECADE = 10  # a setting whose values span a factor of 10 gets a logarithmic axis

Settings = Mapping[str, Mapping[str, Any]]


def sensitivity(metrics: pd.DataFrame, variants: Settings, defaults: Settings) -> Drawing:
    """Return a panel for each setting, then two for each pair of settings: in and out of distribution.

    Args:
        metrics: ``metrics.csv``.
        variants: the hyper-parameters of each variant, by its name.
        defaults: the hyper-parameters of each method.
    """
    data = sensitivity_points(metrics, variants, defaults)
    return Drawing(data, draw_sensitivity(data))


def sensitivity_points(metrics: pd.DataFrame, variants: Settings, defaults: Settings) -> pd.DataFrame:
    """Return the accuracy of the variants of the sensitivity study, as points of lines and cells of grids.

    A variant that differs from its method's defaults in one setting is a point of that setting's line. A variant that differs
    in two settings is a cell of their grid. The default itself belongs to all lines and grids. Variants that differ in more
    settings stand in ``metrics.csv`` only.

    Args:
        metrics: ``metrics.csv``.
        variants: the hyper-parameters of each variant, by its name.
        defaults: the hyper-parameters of each method.

    Returns:
        dataset, protocol; metric, accuracy or macro_accuracy; method; setting and value; second_setting and second_value, empty
        for a point of a line; default, whether this is the default; distribution; mean, standard_deviation and seeds of the
        metric's mean over targets and sources.
    """
    rows = accuracies(study_rows(metrics, "sensitivity")).drop(columns="n")
    summary = seed_summary(averages(averages(rows, "target_domain"), "source_domain")).rename(columns={"method": "variant"})
    summary = summary.assign(method=summary["variant"].map(method_of))
    parts = [
        pd.DataFrame(_points(str(keys[-1]), own["variant"].unique(), variants, defaults), columns=["variant", *POINT]).merge(own)
        for keys, own in summary.groupby(STUDIED, sort=False)
    ]
    columns = [*STUDIED, *POINT, "distribution", "mean", "standard_deviation", "seeds"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def draw_sensitivity(data: pd.DataFrame) -> Figure:
    """Draw the data of :func:`sensitivity_points`."""
    if data.empty:
        return nothing_to_draw("No sensitivity was studied.")
    is_line = data["second_setting"] == ""
    lines = list(data[is_line].groupby([*STUDIED, "setting"], sort=False))
    grids = list(data[~is_line].groupby([*STUDIED, "setting", "second_setting", "distribution"], sort=False))
    panels = len(lines) + len(grids)
    columns = min(panels, COLUMNS)
    rows = -(-panels // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(PANEL[0] * columns, PANEL[1] * rows), squeeze=False, layout="constrained")
    remaining = iter(axes.flat)
    for _, points in lines:
        _draw_line(next(remaining), points)
    for keys, cells in grids:
        _draw_grid(panel := next(remaining), cells)
        panel.set_title(f"{panel.get_title()}\n{DISTRIBUTION_TITLES[str(keys[-1])]}: {accuracy_label(cells['metric'].iloc[0])}")
    for empty in remaining:
        empty.remove()
    handles = {label: handle for panel in figure.axes for handle, label in zip(*panel.get_legend_handles_labels())}
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncol=3, frameon=False)
    return figure


def _points(method: str, names: Iterable[str], variants: Settings, defaults: Settings) -> list[tuple[Any, ...]]:
    """Return each point or cell of a method's variants: variant, setting, value, second setting, second value, is default."""
    default = defaults[method]
    changed = {name: frozenset(key for key, value in variants[name].items() if value != default[key]) for name in names}
    in_order = [sorted(keys, key=list(default).index) for keys in dict.fromkeys(changed.values())]
    points: list[tuple[Any, ...]] = []
    for key in (keys[0] for keys in in_order if len(keys) == 1):
        points += [(name, key, _value(variants[name][key]), "", "", not own) for name, own in changed.items() if own <= {key}]
    for first, second in (keys for keys in in_order if len(keys) == 2):
        together = [variants[name] for name, own in changed.items() if own == {first, second}]
        rows, columns = ([default[key], *(values[key] for values in together)] for key in (first, second))
        for name, own in changed.items():
            value, other = variants[name][first], variants[name][second]
            if own <= {first, second} and value in rows and other in columns:
                points.append((name, first, _value(value), second, _value(other), not own))
    return points


def _value(value: Any) -> float | str:
    """Return a number as it is, and anything else as text."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _draw_line(panel: Axes, points: pd.DataFrame) -> None:
    """Draw mean and spread of the accuracy against the setting's value, in and out of distribution."""
    values = sorted(points["value"].unique(), key=lambda value: (isinstance(value, str), value))
    numbers = not any(isinstance(value, str) for value in values)
    place = {value: value if numbers else position for position, value in enumerate(values)}
    for (distribution, label), colour in zip(DISTRIBUTION_TITLES.items(), colours(list(DISTRIBUTION_TITLES)).values()):
        own = points[points["distribution"] == distribution].assign(x=points["value"].map(place)).sort_values("x")
        spread = 100 * own["standard_deviation"].astype(float)
        look: Any = {"color": colour, "marker": "o", "markersize": 3, "label": label}
        if spread.isna().all():  # one seed: no line suggests a trend
            panel.plot(own["x"], 100 * own["mean"], linestyle="", **look)
        else:
            panel.errorbar(own["x"], 100 * own["mean"], spread, capsize=2, **look)
    for default in points.loc[points["default"], "value"].unique():
        panel.axvline(place[default], color="0.4", linestyle=":", label="default")
    if numbers:
        _scale(panel, values)
    else:
        panel.set_xticks(range(len(values)), values)
    panel.set(xlabel=plain(points["setting"].iloc[0]), ylabel=accuracy_label(points["metric"].iloc[0]), title=_title(points))


def _scale(panel: Axes, values: Sequence[float]) -> None:
    """Set the ticks of a setting of numbers; where its values span a decade, make its axis logarithmic, and linear next to 0."""
    positive = [value for value in values if value > 0]
    if min(values) >= 0 and positive and max(positive) >= DECADE * min(positive):
        least, most = min(positive), max(positive)
        panel.set_xscale("symlog", linthresh=least, linscale=0.5)
        panel.set_xlim(-0.2 * least if min(values) == 0 else 0.8 * least, 1.3 * most)
    panel.set_xticks(values, [f"{value:g}" for value in values])


def _draw_grid(panel: Axes, cells: pd.DataFrame) -> None:
    """Draw accuracies as colours and numbers, with a row for each value of the first setting and a frame for the default."""
    first, second = (
        sorted(cells[column].unique(), key=lambda value: (isinstance(value, str), value)) for column in ("value", "second_value")
    )
    means = cells.pivot_table("mean", "value", "second_value").reindex(index=first, columns=second).astype(float)
    low, high = means.min().min(), means.max().max()
    panel.imshow(100 * means, cmap="viridis", aspect="auto")
    panel.grid(visible=False)
    for _, cell in cells.iterrows():
        x, y = second.index(cell["second_value"]), first.index(cell["value"])
        text = mean_and_spread("accuracy", cell["mean"], cell["standard_deviation"]).replace(" ± ", "\n± ")
        bright = cell["mean"] > (low + high) / 2
        panel.text(x, y, text, ha="center", va="center", fontsize=6, color="black" if bright else "white")
        if cell["default"]:
            panel.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, fill=False, edgecolor="#d55e00", linewidth=2))
    panel.set_xticks(range(len(second)), [str(value) for value in second])
    panel.set_yticks(range(len(first)), [str(value) for value in first])
    panel.set(xlabel=plain(cells["second_setting"].iloc[0]), ylabel=plain(cells["setting"].iloc[0]), title=_title(cells))


def _title(points: pd.DataFrame) -> str:
    dataset, protocol, _, method = points[STUDIED].iloc[0]
    return f"{method_title(method)}, {setting_title(dataset, protocol)}"
