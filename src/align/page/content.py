"""What stands on the results page, put together from the files of tables, figures, verdict and explorer."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docutils.core import publish_parts

from align.configuration.runs import LeftOut
from align.figures import FIGURES
from align.methods.naming import method_title
from align.results.collect import read_results, trained_on
from align.results.run_warnings import Account, run_warnings
from align.results.titles import plain, setting_title
from align.tables import TABLES
from align.tables.captions import caption
from align.tables.verdict import any_tested, by_place, difference_text, ours_text, paper_text, place_title, where_text
from align.verdict.answers import Answer
from align.verdict.headline import headline, of_the_paper, word_counts
from align.verdict.rule import FEWEST_SEEDS

MAIN_TABLE = "table-main_results"
RULE = "Fewer than three seeds decide nothing. ALIGN-plus, this project's variant, has a column of its own."
EXPLORER_RULE = (
    "Nobody picks them: of each target domain {evenly} images are spread evenly over its list. {disagreements} more are those on "
    "which the methods' probabilities of the true class lie furthest apart."
)
LINKS = {
    "report.html": "Report of the workflow: every rule, with its code and its time",
    "configuration.yaml": "The configuration, with every default",
    "metrics.csv": "All metrics of all runs",
    "tables/": "Tables as CSV, Markdown and LaTeX",
    "figures/": "Figures as SVG and PNG, with the numbers that they draw",
}
STRIP_METHODS = ("erm", "align")  # of the images on the first screen


class Part(NamedTuple):
    """A table or a figure of the page: its anchor, its title, its caption as HTML, and its HTML or its data URI."""

    anchor: str
    title: str
    caption: str
    content: str


def page_content(
    name: str,
    answers: Sequence[Answer],
    accounts: Sequence[Account],
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    explorers: Sequence[Mapping[str, Any]],
    left_out: LeftOut,
    shown: Mapping[str, int],
) -> dict[str, Any]:
    """Return everything that the template takes.

    Args:
        name: the configuration's.
        answers: the rows of ``verdict.csv``.
        accounts: the content of every ``run.json``.
        tables: the HTML file of each table, by name.
        figures: the SVG of each figure, by its name, or by its name and page.
        explorers: the data of the explorer, an entry for each file.
        left_out: why variants could not be run, by data set and variant.
        shown: the settings of the explorer.
    """
    parts = table_parts(tables)
    main = [part.content for part in parts if part.anchor == MAIN_TABLE]
    return {
        "name": name,
        "headline": headline(answers),
        "counts": word_counts(of_the_paper(answers)),
        "warnings": [*run_warnings(accounts), *_few_seeds(answers), *_left_out(left_out)],
        "main_table": "".join(main),
        "strip": strip(explorers),
        "strip_methods": {method: method_title(method) for method in STRIP_METHODS},
        "strip_masks": STRIP_METHODS[-1],
        "rule": RULE,
        "tested": [found for found in by_place(answers) if any_tested(found)],
        "untested": [found for found in by_place(answers) if not any_tested(found)],
        "place_title": place_title,
        "where_text": where_text,
        "paper_text": paper_text,
        "ours_text": ours_text,
        "difference_text": difference_text,
        "explorers": explorers,
        "explorer_rule": EXPLORER_RULE.format(**shown),
        "tables": [part for part in parts if part.anchor != MAIN_TABLE],
        "figures": figure_parts(figures),
        "facts": _facts(accounts),
        "links": LINKS,
    }


def table_parts(tables: Mapping[str, Path]) -> list[Part]:
    """Return the tables that are not empty.

    Args:
        tables: the HTML file of each table, by name.
    """
    bodies = {name: _body(path) for name, path in tables.items()}
    return [
        Part(f"table-{name}", TABLES[name].title, caption_html(caption(TABLES[name].implementation)), body)
        for name, body in bodies.items()
        if "<table" in body
    ]


def figure_parts(figures: Mapping[str, Path]) -> list[Part]:
    """Return the figures that draw something, as data URIs.

    Args:
        figures: the SVG of each figure, by its name or by its name and page. Beside it lies the CSV of what it draws.
    """
    return [_figure(name, svg) for name, svg in figures.items() if len(read_results(svg.with_suffix(".csv")))]


def caption_html(text: str) -> str:
    """Return a caption in reStructuredText as HTML."""
    return str(publish_parts(text, writer="html5", settings_overrides={"report_level": 4, "input_encoding": "unicode"})["body"])


def strip(explorers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an image of each target domain for the first screen, from the first explorer that has the strip's methods."""
    for explorer in explorers:
        if set(STRIP_METHODS) <= set(explorer["methods"]):
            first: dict[str, dict[str, Any]] = {}
            for image in explorer["images"]:
                first.setdefault(image["target"], image)
            return {"images": list(first.values()), "classes": explorer["classes"]}
    return {"images": [], "classes": []}


def _body(page: Path) -> str:
    """Return what stands in the body of a table's HTML page."""
    found = re.search(r"<body>\n(.*)\n</body>", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else ""


def _figure(name: str, svg: Path) -> Part:
    kind, *page = name.split("/")
    text, title = caption(FIGURES[kind].implementation), FIGURES[kind].title
    if page:
        dataset, protocol, domain = page
        title = f"{title}: {setting_title(dataset, protocol, trained_on(protocol, domain))}"
        text = text.format(dataset=plain(dataset), sources=plain(trained_on(protocol, domain)))
    uri = f"data:image/svg+xml;base64,{b64encode(svg.read_bytes()).decode()}"
    return Part(f"figure-{'-'.join([kind, *page])}", title, caption_html(text), uri)


def _few_seeds(answers: Sequence[Answer]) -> list[str]:
    few = sum(0 < answer.seeds < FEWEST_SEEDS for answer in answers)
    return [f"{few} claims have fewer than {FEWEST_SEEDS} seeds, which decide nothing."] if few else []


def _left_out(left_out: LeftOut) -> list[str]:
    return [
        f"Left out on {plain(dataset)}: {method_title(variant)}; {reason}."
        for dataset, reasons in left_out.items()
        for variant, reason in reasons.items()
    ]


def _facts(accounts: Sequence[Account]) -> dict[str, str]:
    """Return what the runs were made of and by."""
    seconds = sum(account["wall_seconds"] for account in accounts)

    def several(values: Iterable[str | None]) -> str:
        return ", ".join(sorted({value or "unknown" for value in values}))

    return {
        "Runs": f"{len(accounts):,}, trained in {seconds / 3600:.1f} hours",
        "Device": several(account["device"] for account in accounts),
        "Precision": several(account["precision"] for account in accounts),
        "torch": several(account["versions"].get("torch") for account in accounts),
        "Revision of the code": several(account["git_revision"] for account in accounts),
    }
