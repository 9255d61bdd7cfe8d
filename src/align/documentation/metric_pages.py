"""Every metric as Markdown, from the registry: its definition, its measures, and which direction is better."""

import inspect
import re

from align.documentation.markdown import prose, source_file, table
from align.metrics import METRICS, RATINGS, Entry, Measure
from align.registry import load, module_of

HEADER = ("Measure", "In print", "Better", "Shown with", "Undefined without")
RATED_BY_PEOPLE = (
    "### Masks rated by people\n\nThe means of what people answer on a scale from 1 to 5, see [rating masks](rating.md)."
)
DIRECTIONS = {True: "higher", False: "lower", None: "neither"}


def metrics_reference() -> str:
    """Return a chapter for each metric, with a heading, and one for what people say."""
    by_people = table(HEADER, [_row(name, measure) for name, measure in RATINGS.items()])
    return "\n\n".join([*(_chapter(name, entry) for name, entry in METRICS.items()), f"{RATED_BY_PEOPLE}\n\n{by_people}"])


def _chapter(name: str, entry: Entry) -> str:
    rows = [_row(measure_name, measure) for measure_name, measure in entry.measures.items()]
    code = source_file(module_of(entry.implementation))
    return f"### `{name}`\n\n{_definition(entry)}\n\nCode: {code}.\n\n{table(HEADER, rows)}"


def _row(name: str, measure: Measure) -> tuple[str, ...]:
    return f"`{name}`", measure.title, DIRECTIONS[measure.higher_is_better], measure.family or "no table", measure.needs


def _definition(entry: Entry) -> str:
    """Return the docstring of a metric's function as prose. It says what the function returns, and its source."""
    text = prose(inspect.getdoc(load(entry.implementation)) or "").removeprefix("Return ")
    return re.sub(r"arXiv:(\d{4}\.\d{5})", r"[arXiv:\1](https://arxiv.org/abs/\1)", text[:1].upper() + text[1:])
