"""Printed tables: the same cells as Markdown, LaTeX and HTML."""

import html
import re
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

WIDTH = 120  # characters of a line of prose in Markdown
NOTHING = "Nothing of this kind was measured."  # such as other domains, where there is only one
TRUE_MASKS = "Rows below the line were given true masks: they are an upper bound, and not compared."
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 1.5rem; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; } section:first-child h3 { margin-top: 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; border-top: 2px solid #222; border-bottom: 2px solid #222; }
th, td { padding: .3rem .8rem; text-align: left; font-weight: inherit; } thead { border-bottom: 1px solid #222; }
thead th { font-weight: bold; } thead button { all: unset; } .apart { border-top: 1px solid #222; }
tbody tr:nth-child(even) { background: #f4f4f4; } p { color: #555; max-width: 50rem; }
"""
# Symbols of titles and texts that LaTeX needs a command for.
SYMBOLS = {
    "±": r"\pm", "→": r"\rightarrow", "↑": r"\uparrow", "↓": r"\downarrow", "·": r"\cdot", "×": r"\times", "‖": r"\Vert",
    "ε": r"\varepsilon", "⊙": r"\odot", "−": "-", "λ": r"\lambda", "α": r"\alpha", "β": r"\beta", "η": r"\eta", "Φ": r"\Phi",
    "σ": r"\sigma", "₁": "_1", "₂": "_2", "₃": "_3", "₄": "_4", "²": "^2",
    "\u0303": r"\tilde{}", "<": "<", ">": ">", "\\": r"\backslash", "~": r"\sim", "^": r"\wedge",
}  # fmt: skip
LATEX = str.maketrans(
    {symbol: f"${command}$" for symbol, command in SYMBOLS.items()} | {special: rf"\{special}" for special in "&%$#_{}"}
)


class Cell(NamedTuple):
    """A cell's text, and whether it is bold: among the best of its column."""

    text: str
    best: bool = False


class Block(NamedTuple):
    """A part of a table with a title, a header, rows with as many cells as the header, and a note below them.

    ``apart`` are rows below the others that cannot be compared with them, because true masks were given.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    apart: Sequence[Sequence[Cell]] = ()


class Table(NamedTuple):
    """A table as tidy data, one value in each row, and as blocks for print."""

    data: pd.DataFrame
    blocks: Sequence[Block]


def markdown(blocks: Sequence[Block]) -> str:
    """Return the blocks as Markdown, the best cells in bold."""
    return "\n".join(_markdown_block(block) for block in blocks) or f"{NOTHING}\n"


def latex(blocks: Sequence[Block]) -> str:
    """Return the blocks as LaTeX tables for the package booktabs, the best cells in bold."""
    return "\n".join(_latex_block(block) for block in blocks) or f"{NOTHING}\n"


def html_page(blocks: Sequence[Block]) -> str:
    """Return the blocks as one HTML page, the best cells in bold."""
    head = f'<meta charset="utf-8"><title>Tables</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{html_sections(blocks)}\n</body></html>\n'


def html_sections(blocks: Sequence[Block]) -> str:
    """Return the blocks as sections of an HTML page, with column headers that are buttons, and values to sort by."""
    return "\n".join(_html_block(block) for block in blocks) or f"<p>{NOTHING}</p>"


def _markdown_block(block: Block) -> str:
    def line(texts: Sequence[str]) -> str:
        return f"| {' | '.join(texts)} |"

    def escaped(name: str) -> str:
        return name.replace("|", r"\|")

    def text(cell: Cell) -> str:
        return f"**{escaped(cell.text)}**" if cell.best else escaped(cell.text)

    header = line([escaped(name) for name in block.header])
    lines = [
        header,
        line(["---"] * len(block.header)),
        *(line([text(cell) for cell in row]) for row in [*block.rows, *block.apart]),
    ]
    return "\n".join([f"### {block.title}", "", *lines, *(["", textwrap.fill(block.note, WIDTH)] if block.note else []), ""])


def _latex_block(block: Block) -> str:
    def line(texts: Sequence[str]) -> str:
        return " & ".join(texts) + r" \\"

    def text(cell: Cell) -> str:
        escaped = cell.text.translate(LATEX)
        return rf"\textbf{{{escaped}}}" if cell.best else escaped

    caption = f"{block.title}. {block.note}" if block.note else block.title
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption.translate(LATEX)}}}",
        rf"\begin{{tabular}}{{{'l' * len(block.header)}}}",
        r"\toprule",
        line([name.translate(LATEX) for name in block.header]),
        r"\midrule",
        *(line([text(cell) for cell in row]) for row in block.rows),
        *([r"\midrule"] if block.rows and block.apart else []),
        *(line([text(cell) for cell in row]) for row in block.apart),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join([*lines, ""])


def _html_text(text: str) -> str:
    """Return ``text`` for HTML, with spaces beside ±, ↑ and ↓ at which no line breaks."""
    escaped = html.escape(text)
    for sign in "±↑↓":
        escaped = escaped.replace(f" {sign}", f"\N{NO-BREAK SPACE}{sign}").replace(f"{sign} ", f"{sign}\N{NO-BREAK SPACE}")
    return escaped


def _html_block(block: Block) -> str:
    def text(cell: Cell) -> str:
        escaped = _html_text(cell.text)
        return f"<strong>{escaped}</strong>" if cell.best else escaped

    def row(cells: Sequence[Cell]) -> str:
        first, *others = cells
        values = "".join(f"<td{_sort_value(cell.text)}>{text(cell)}</td>" for cell in others)
        return f'<tr><th scope="row">{text(first)}</th>{values}</tr>'

    title = html.escape(block.title)
    header = "".join(f'<th scope="col"><button type="button">{_html_text(name)}</button></th>' for name in block.header)
    bodies = [["<tbody>", *map(row, block.rows), "</tbody>"], ['<tbody class="apart">', *map(row, block.apart), "</tbody>"]]
    note = f"{block.note} {TRUE_MASKS}" if block.rows and block.apart else block.note
    lines = [
        f"<section>\n<h3>{title}</h3>",
        f'<div class="scroll" role="group" tabindex="0" aria-label="{title}">',
        f'<table class="sortable n-last"><thead><tr>{header}</tr></thead>',
        *(line for body in bodies if len(body) > 2 for line in body),
        "</table></div>",
        *([f"<p>{html.escape(note)}</p>"] if note else []),
        "</section>",
    ]
    return "\n".join(lines)


def _sort_value(text: str) -> str:
    """Return the attribute by which a column of numbers is sorted, such as 95.8 for ``95.8 ± 4.6``. Empty for other texts."""
    number = re.match(r"[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?(?![\w.])", text)
    return f' data-sort="{number[0].replace(",", "").lstrip("+")}"' if number else ""
