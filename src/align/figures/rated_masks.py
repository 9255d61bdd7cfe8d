"""How people rate the masks of each method, a point with its interval for each method and question."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from align.figures.style import Drawing, method_colours, note_below, nothing_to_draw
from align.methods.naming import method_title
from align.metrics import RATINGS
from align.metrics.printing import measure_title
from align.rating import HIGHEST, LOWEST
from align.rating.summary import counted, mean_ratings, remarks
from align.results.titles import plain

CAPTION = """
How people rate the masks of each method, from 1 to 5, without knowing which method made them: means over raters and
images with 95 % intervals. Methods that learn no mask show their saliency map. The paper's Fig. 5 is such a study.
"""


def rated_masks(ratings: pd.DataFrame) -> Drawing:
    """Return a row of panels for each data set and source domain, a panel for each question.

    Args:
        ratings: ``ratings.csv``.
    """
    data = mean_ratings(counted(ratings))
    return Drawing(data, draw_rated_masks(data, " ".join(remarks(ratings))))


def draw_rated_masks(data: pd.DataFrame, note: str) -> Figure:
    """Draw the data of :func:`align.rating.summary.mean_ratings`, with a note below."""
    if data.empty:
        return nothing_to_draw(note or "Nobody has rated masks.")
    places = list(data.groupby(["dataset", "source_domain"], sort=False))
    methods = data["method"].nunique()
    figure, grid = plt.subplots(
        len(places), len(RATINGS), figsize=(7.5, len(places) * (0.9 + 0.22 * methods)), squeeze=False, sharey="row"
    )
    for axes, ((dataset, source), rows) in zip(grid, places):
        titles = [method_title(name) for name in dict.fromkeys(rows["method"])]
        colours = method_colours(dict.fromkeys(rows["method"]))
        for panel, question in zip(axes, RATINGS):
            for place, answer in enumerate(rows[rows["question"].eq(question)].to_dict("records")):
                value, low, high = (float(answer[name]) for name in ("value", "low", "high"))
                panel.errorbar(
                    value, place, xerr=[[value - low], [high - value]], fmt="o", color=colours[titles[place]], capsize=2
                )
            panel.set(xlim=(LOWEST - 0.2, HIGHEST + 0.2), xticks=range(LOWEST, HIGHEST + 1), yticks=range(len(titles)))
            panel.set_yticklabels(titles)
            panel.set_title(measure_title(question))
        axes[0].invert_yaxis()
        axes[0].set_ylabel(f"{plain(str(dataset))}\ntrained on {plain(str(source))}")
    figure.tight_layout()
    note_below(figure, note)
    return figure
