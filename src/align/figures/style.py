"""What all figures share: a figure with its data, how figures look, and how they are written."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from align.files import whole_file
from align.methods import METHODS
from align.methods.naming import method_of, method_title

PALETTE = "colorblind"
# One colour for each method, in every figure. Each has a contrast of at least 3:1 to white. ALIGN's is the strongest.
METHOD_COLOURS = {
    "align": "#dc0018",
    "align-plus": "#d9600a",
    "align-swap": "#b5179e",
    "align-gate": "#a0522d",
    "erm": "#5f6368",
    "mixup": "#8a6d00",
    "rsc": "#0a7d67",
    "cgc": "#2f6fb7",
    "irm": "#6b5b95",
    "group_dro": "#8c564b",
    "sgt": "#1585ad",
    "dre": "#5e35b1",
    "masked_erm": "#3b7d23",
}
NEW_METHOD_COLOURS = ("#4b4a8f", "#7a4a00", "#00695c", "#ad1457")
SHADE = 0.45  # brightness of a variant beside its method, as a share of the method's
NOTE = 16  # letters of a note, for each inch of the figure's width
WRONG = "#d55e00"  # vermillion; colour-blind readers and grey print tell it from black and grey
SETTINGS: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.2,
    "grid.linewidth": 0.5,
    "grid.color": "0.88",
    "svg.hashsalt": "align",  # else the names of an SVG's parts are random
}


class Drawing(NamedTuple):
    """A figure, and the data that it draws."""

    data: pd.DataFrame
    figure: Figure


@contextmanager
def style() -> Iterator[None]:
    """Within the block, draw without a screen and in the project's style."""
    with sns.axes_style("whitegrid"), mpl.rc_context(SETTINGS):
        mpl.use("Agg")
        yield


def colours(names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Return a colour for each name, in the order of the palette."""
    return dict(zip(names, sns.color_palette(PALETTE, len(names))))


def method_colours(variants: Iterable[str]) -> dict[str, str]:
    """Return the colour of each variant's method, by the variant's title; a darker one beside the method itself.

    A method that was added has a colour in its turn.
    """
    added = zip((name for name in METHODS if name not in METHOD_COLOURS), cycle(NEW_METHOD_COLOURS))
    all_methods, shown = METHOD_COLOURS | dict(added), list(dict.fromkeys(variants))
    found = {}
    for variant in shown:
        method = method_of(variant)
        is_beside = variant != method and method in shown
        found[method_title(variant)] = _darker(all_methods[method]) if is_beside else all_methods[method]
    return found


def _darker(colour: str) -> str:
    red, green, blue = mpl.colors.to_rgb(colour)
    return mpl.colors.to_hex((SHADE * red, SHADE * green, SHADE * blue))


def nothing_to_draw(reason: str) -> Figure:
    """Return a figure that says why it is empty."""
    figure = Figure(figsize=(4, 0.5))
    figure.text(0.5, 0.5, textwrap.fill(reason, 80), ha="center", va="center")
    return figure


def note_below(figure: Figure, text: str) -> None:
    """Write a note below the panels of a figure."""
    figure.text(0.0, 0.0, textwrap.fill(text, int(NOTE * figure.get_figwidth())), ha="left", va="top")


def legend_on_top(grid: sns.FacetGrid, more: Mapping[str, Artist] | None = None) -> None:
    """Put the legend of a grid above its panels, with the entries of ``more`` after its own."""
    own = grid.legend
    entries = {text.get_text(): handle for text, handle in zip(own.get_texts(), own.legend_handles)}
    entries = {name: handle for name, handle in entries.items() if name not in grid.data.columns}  # seaborn's headings
    own.remove()
    entries |= more or {}
    grid.figure.legend(entries.values(), entries.keys(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=6, frameon=False)


def write_figure(drawing: Drawing, svg: Path | str, png: Path | str, csv: Path | str) -> None:
    """Write a figure as SVG and PNG (200 dots per inch) and its data as CSV; each file is written whole or not at all."""
    data, figure = drawing
    with whole_file(csv) as partial:
        data.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")
    with mpl.rc_context(SETTINGS), whole_file(svg) as partial:
        figure.savefig(partial, bbox_inches="tight", metadata={"Date": None})
    with mpl.rc_context(SETTINGS), whole_file(png) as partial:
        figure.savefig(partial, bbox_inches="tight", dpi=200)
