"""The comparison of two folders of results as text: what ``align compare`` prints."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from align.comparison.numbers import FIRST, SECOND, paired_numbers
from align.comparison.origins import Difference, origins_that_differ, settings_that_differ
from align.comparison.results import read_folder
from align.methods.naming import method_title
from align.metrics import MEASURES, PREDICTION
from align.verdict.rule import FEWEST_SEEDS

LEVEL = 0.05
WIDEST = 60  # characters of a value
NOTE = f"""\
The difference is second minus first, on the same test images and with the same seeds, with its 95 % interval. Neither interval
nor p is corrected for the number of rows: of rows without any true difference, {LEVEL:.0%} have p < {LEVEL}. With fewer than
{FEWEST_SEEDS} seeds nothing is marked, because the interval of one seed covers images only."""
MAIN = [
    name for name, measure in MEASURES.items() if measure.headline or (measure.family == PREDICTION and measure.is_percentage)
]


def compare(first: Path, second: Path, everything: bool) -> tuple[str, pd.DataFrame]:
    """Return what two folders of results differ in as text, and the table of all paired numbers.

    Args:
        first: a folder ``results/<configuration>``.
        second: another one.
        everything: whether the text has every measure, or only those that tables show first.

    Raises:
        InputError: a folder has no results, or the two were not tested on the same images.
    """
    ours, theirs = read_folder(first), read_folder(second)
    numbers = paired_numbers(ours, theirs)
    shown = numbers if everything else numbers[numbers["metric"].isin(MAIN)]
    parts = [
        f"first:  {first}\nsecond: {second}",
        _differences("Settings", settings_that_differ(ours, theirs)),
        _differences("Code, data, versions and devices", origins_that_differ(ours, theirs)),
        _runs(len(ours.images.keys() - theirs.images.keys()), len(theirs.images.keys() - ours.images.keys())),
        _printed(shown) if len(shown) else "Numbers: no run of one source domain is in both folders",
    ]
    return "\n\n".join(part for part in parts if part), numbers


def _differences(title: str, differences: Sequence[Difference]) -> str:
    if not differences:
        return f"{title}: the same"
    lines = [f"  {what}: {_short(ours)} → {_short(theirs)}" for what, ours, theirs in differences]
    return "\n".join([f"{title} that differ (first → second):", *lines])


def _runs(only_first: int, only_second: int) -> str:
    return f"Runs in one folder only: {only_first} in the first, {only_second} in the second" if only_first or only_second else ""


def _printed(numbers: pd.DataFrame) -> str:
    rows = []
    for row in numbers.to_dict("records"):
        measure = MEASURES[row["metric"]]
        scale = 100 if measure.is_percentage else 1
        digits = ".1f" if measure.is_percentage else measure.number_format
        value, other, difference, low, high = (
            format(scale * row[name], digits) for name in (FIRST, SECOND, "difference", "low", "high")
        )
        rows.append(
            {
                "from": row["source_domain"],
                "tested": row["distribution"],
                "method": method_title(row["method"]),
                "measure": measure.title + (", %" if measure.is_percentage else ""),
                "seeds": row["seeds"],
                "first": value,
                "second": other,
                "difference": f"{difference} [{low}, {high}]"
                + (" *" if row["p"] < LEVEL and row["seeds"] >= FEWEST_SEEDS else ""),
            }
        )
    table = pd.DataFrame(rows).to_string(index=False, na_rep="")
    return f"Numbers (* p < {LEVEL}):\n{table}\n\n{NOTE}"


def _short(value: str) -> str:
    return value if len(value) <= WIDEST else f"{value[:WIDEST]}…"
