"""Average ranks with the critical difference (Demšar, JMLR 7, 2006, figure 1): a bar spans methods that do not differ."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align.figures.style import Drawing, nothing_to_draw
from align.methods.naming import method_title
from align.metrics import MEASURES
from align.results.accuracies import accuracies
from align.results.titles import DISTRIBUTION_TITLES
from align.statistics.ranks import FEWEST_SETTINGS, rank_table

CAPTION = """
Average ranks of the compared methods by accuracy, and by macro accuracy where it differs by a point or more. Rank 1 is
the best. The average is over settings. A setting is a pair of a source domain and a target. Its value
is the mean over seeds. A bar spans methods that Nemenyi's test at 0.05 cannot tell apart: their ranks differ by less
than the critical difference (Demšar, JMLR 7, 2006). Settings share networks and images. So there are fewer independent
settings than it seems. With fewer than five settings nothing is drawn.
"""

TITLES = DISTRIBUTION_TITLES | {"both": "in and out of distribution"}
WIDTH = 5.5  # inches
LEVEL = 0.22  # inches between two names


def average_ranks(metrics: pd.DataFrame) -> Drawing:
    """Return a panel for each accuracy and distribution: an axis of ranks, a mark and a name for each method, and bars.

    Args:
        metrics: ``metrics.csv``.
    """
    rows = accuracies(metrics)
    tables = [rank_table(rows, metric) for metric in rows["metric"].unique()]
    ranks = pd.concat(tables, ignore_index=True) if tables else rank_table(rows)
    data = ranks[ranks["settings"] >= FEWEST_SETTINGS]
    return Drawing(data, draw_average_ranks(data))


def draw_average_ranks(data: pd.DataFrame) -> Figure:
    """Draw the data of :func:`align.statistics.ranks.rank_table`."""
    if data.empty:
        return nothing_to_draw(f"Fewer than {FEWEST_SETTINGS} settings have two methods or more to compare.")
    panels = [(str(name), rows) for (_, name), rows in data.groupby(["metric", "distribution"], sort=False)]
    levels = (data.groupby(["metric", "distribution"])["method"].size().max() + 1) // 2
    figure, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, len(panels) * (1.0 + LEVEL * (levels + 1))), squeeze=False)
    for panel, (name, rows) in zip(axes.flat, panels):
        _draw(panel, rows, TITLES[name])
    figure.tight_layout(h_pad=2)
    return figure


def bar_ends(ranks: list[float], difference: float) -> list[tuple[float, float]]:
    """Return the lowest and highest rank of the largest groups of sorted ``ranks`` that lie within ``difference``."""
    reaches = [max(rank for rank in ranks if rank - start <= difference) for start in ranks]
    bars = [(start, end) for start, end in zip(ranks, reaches) if end > start]
    return [bar for bar in bars if not any(other[0] < bar[0] and other[1] >= bar[1] for other in bars)]


def _draw(panel: Axes, rows: pd.DataFrame, title: str) -> None:
    """Draw one distribution. The better half of the methods has its names on the left, the other half on the right."""
    ranks, difference = list(rows["average_rank"]), rows["critical_difference"].iloc[0]
    count, left = len(ranks), (len(ranks) + 1) // 2
    bars = bar_ends(ranks, difference) if difference == difference else []
    first_name = 1 + 0.5 * len(bars)
    for place, (rank, method) in enumerate(zip(ranks, rows["method"])):
        is_left = place < left
        depth = first_name + (place if is_left else count - 1 - place)
        end = 0.9 if is_left else count + 0.1
        panel.plot([rank, rank, end], [0, depth, depth], color="0.3", linewidth=0.8)
        text = f"{method_title(method)}  {rank:.2f}" if is_left else f"{rank:.2f}  {method_title(method)}"
        panel.annotate(
            text, (end, depth), xytext=(-3 if is_left else 3, 0), textcoords="offset points",
            ha="right" if is_left else "left", va="center",
        )  # fmt: skip
    for place, (low, high) in enumerate(bars):
        panel.plot([low - 0.03, high + 0.03], [0.5 + 0.5 * place] * 2, color="0.1", linewidth=3, solid_capstyle="butt")
    panel.set_xlim(0.9, count + 0.1)
    panel.set_ylim(first_name + left, 0)
    panel.xaxis.tick_top()
    panel.set_xticks(range(1, count + 1))
    panel.set_yticks([])
    panel.grid(visible=False)
    for side in ("left", "right", "bottom"):
        panel.spines[side].set_visible(False)
    panel.spines["top"].set_color("0.3")
    measure, settings = MEASURES[rows["metric"].iloc[0]].title, rows["settings"].iloc[0]
    panel.set_title(f"{measure} {title}, {settings} {'setting' if settings == 1 else 'settings'}: {_tests(rows)}", pad=20)


def _tests(rows: pd.DataFrame) -> str:
    """Return the results of both tests in words."""
    difference, p = rows["critical_difference"].iloc[0], rows["friedman_p"].iloc[0]
    if difference != difference:
        return "too few settings or methods to test"
    return f"critical difference {difference:.2f}, Friedman p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
