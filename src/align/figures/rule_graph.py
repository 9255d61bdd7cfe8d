"""The rules of the workflow: which needs the output of which."""

import re
from itertools import pairwise
from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from align.figures.style import Drawing

CAPTION = """
The rules of this workflow, from left to right. Each arrow leads from a rule to one that needs its output. Arrows that
follow from others are left out.
"""

NODE = re.compile(r'^\s*(\d+)\s*\[\s*label\s*=\s*"([^"\\]+)', re.MULTILINE)
EDGE = re.compile(r"^\s*(\d+)\s*->\s*(\d+)", re.MULTILINE)
COLUMN, ROW = 1.4, 0.46  # inches, from a box to the next
WIDTH, HEIGHT = 1.05, 0.34  # inches, of a box
Place = tuple[str, int]  # a rule and a column: the rule's own, or one that its edges pass through


def rule_graph(dot: str) -> Drawing:
    """Return the rules from left to right, each in the column before the first rule that needs it.

    Args:
        dot: the output of ``snakemake --rulegraph dot``.
    """
    data = rule_edges(dot)
    return Drawing(data, draw_rule_graph(data))


def rule_edges(dot: str) -> pd.DataFrame:
    """Return the edges of the rule graph.

    An edge that follows from others (a → c from a → b → c) is left out. So is an edge from a rule to itself: its jobs need each
    other where one run takes the masks of another.

    Args:
        dot: see :func:`rule_graph`.

    Returns:
        rule, needed_by.
    """
    names = dict(NODE.findall(dot))
    graph = nx.DiGraph((names[source], names[target]) for source, target in EDGE.findall(dot) if source != target)
    return pd.DataFrame(sorted(nx.transitive_reduction(graph).edges), columns=["rule", "needed_by"])


def draw_rule_graph(edges: pd.DataFrame) -> Figure:
    """Draw the edges of :func:`rule_edges`."""
    graph = nx.from_pandas_edgelist(edges, "rule", "needed_by", create_using=nx.DiGraph)
    columns = _columns(graph)
    layered = nx.DiGraph(step for edge in graph.edges for step in pairwise(_route(*edge, columns)))
    heights = _heights(layered, max(columns.values()))
    positions = {place: (COLUMN * place[1], ROW * height) for place, height in heights.items()}
    span = max(heights.values()) - min(heights.values())
    figure, axes = plt.subplots(figsize=(COLUMN * (max(columns.values()) + 1), ROW * (span + 2)))
    for (x, y), rule in ((positions[place], place[0]) for place in columns.items()):
        corner = (x - WIDTH / 2, y - HEIGHT / 2)
        shape = "round,pad=0,rounding_size=0.04"
        axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle=shape, facecolor="white", edgecolor="0.2"))
        axes.text(x, y, _in_lines(rule), ha="center", va="center", fontsize=7)
    for start, end in layered.edges:
        (x, y), (next_x, next_y) = positions[start], positions[end]
        is_box = columns[end[0]] == end[1]
        look: dict[str, Any] = {"arrowstyle": "-|>" if is_box else "-", "color": "0.5", "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (next_x - WIDTH / 2, next_y), (x + WIDTH / 2, y), arrowprops=look)
        if not is_box:
            axes.plot([next_x - WIDTH / 2, next_x + WIDTH / 2], [next_y, next_y], color="0.5", linewidth=1)
    axes.set_xlim(-COLUMN / 2, COLUMN * (max(columns.values()) + 0.5))
    axes.set_ylim(ROW * (min(heights.values()) - 1), ROW * (max(heights.values()) + 1))
    axes.axis("off")
    return figure


def _in_lines(rule: str) -> str:
    """Return a rule's name in lines that fit into a box, broken after underscores."""
    return "\n".join(line.replace(" ", "") for line in wrap(rule.replace("_", "_ "), 14))


def _columns(graph: "nx.DiGraph[str]") -> dict[str, int]:
    """Return a column for each rule, counted from the left: the last one before all rules that need it."""
    from_the_right = list(nx.topological_generations(graph.reverse()))
    return {rule: len(from_the_right) - 1 - column for column, rules in enumerate(from_the_right) for rule in rules}


def _route(source: str, target: str, columns: dict[str, int]) -> list[Place]:
    """Return the places from a rule to one that needs it, one in each column, so that no edge crosses a box."""
    return [*((source, column) for column in range(columns[source], columns[target])), (target, columns[target])]


def _heights(layered: "nx.DiGraph[Place]", last: int) -> dict[Place, float]:
    """Return a row for each place, symmetric about 0, in the order of the places before it, so that few edges cross."""
    heights: dict[Place, float] = {}
    for column in range(last + 1):
        places = sorted(place for place in layered if place[1] == column)
        before = {place: [heights[source] for source in layered.predecessors(place)] for place in places}
        places.sort(key=lambda place: sum(before[place]) / max(len(before[place]), 1))
        heights |= {place: position - (len(places) - 1) / 2 for position, place in enumerate(places)}
    return heights
