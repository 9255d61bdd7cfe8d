"""Run times and memory, from Snakemake's benchmark files."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from align.figures.style import Drawing, method_colours, nothing_to_draw
from align.methods.naming import method_title
from align.results.titles import plain

CAPTION = """
The time and memory that each job took, from Snakemake's benchmark files. Time is wall-clock time from start to end,
with the loading of libraries. Memory is the most resident memory of the process. Each job is a stroke. The table of
runs has the memory on a GPU.
"""

QUANTITIES = {"s": "seconds", "max_rss": "memory, MiB"}
WIDTH = 3.5  # inches, of a panel
JOB = ["step", "dataset", "method"]


def costs(benchmarks: Sequence[pd.DataFrame]) -> Drawing:
    """Return a panel for each data set, step and quantity: a stroke for each job, in a row for each method.

    Args:
        benchmarks: the benchmark files that exist, with step (train, evaluate), dataset and method.
    """
    data = job_costs(benchmarks)
    return Drawing(data, draw_costs(data))


def job_costs(benchmarks: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the seconds and the memory of every job, without those that Snakemake could not measure.

    Args:
        benchmarks: see :func:`costs`.

    Returns:
        step, dataset, method, quantity, value.
    """
    data = pd.concat(benchmarks) if benchmarks else pd.DataFrame(columns=[*JOB, *QUANTITIES])
    long = data.rename(columns=QUANTITIES).melt(JOB, list(QUANTITIES.values()), var_name="quantity", value_name="value")
    return long.assign(value=pd.to_numeric(long["value"], errors="coerce")).dropna(subset="value")


def draw_costs(data: pd.DataFrame) -> Figure:
    """Draw the data of :func:`job_costs`."""
    if data.empty:
        return nothing_to_draw("No benchmark file was found.")
    palette = method_colours(data["method"].unique())
    methods = list(palette)
    height = 0.7 + 0.25 * len(methods)
    titles = [f"{plain(dataset)}: {step}" for dataset, step in zip(data["dataset"], data["step"])]
    panels = pd.Series(list(zip(titles, data["quantity"])), index=data.index)
    grid = sns.catplot(
        data.assign(panel=panels, method=data["method"].map(method_title)),
        x="value", y="method", hue="method", order=methods, hue_order=methods, palette=palette, col="panel", col_wrap=2,
        kind="strip", jitter=False, marker="|", size=12, linewidth=1.5, legend=False,
        height=height, aspect=WIDTH / height, sharex=False,
    )  # fmt: skip
    for (title, quantity), panel in grid.axes_dict.items():
        panel.set(title=title, xlabel=quantity, ylabel="")
        panel.set_xlim(0, 1.05 * panel.get_xlim()[1])
    grid.tight_layout()
    figure: Figure = grid.figure
    return figure
