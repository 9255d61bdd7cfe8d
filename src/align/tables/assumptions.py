"""Every setting that the paper does not give: the value in use, and why."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from align.configuration.base import Section
from align.configuration.schema import Configuration, Dataset, Experiment
from align.tables.printing import Block, Cell, Table, markdown


class Assumption(NamedTuple):
    """A setting that the paper does not give: the value in use, the default, and why the default is what it is."""

    setting: str
    value: str
    default: str
    what: str
    because: str


def declared_in(section: Section, name: str = "") -> Iterator[Assumption]:
    """Yield every declared field of a section and of the sections within it, in their order.

    Args:
        section: a part of the configuration, or all of it.
        name: where the section is, with dots, empty for the whole configuration.
    """
    for key, field in type(section).model_fields.items():
        place, value = f"{name}.{key}".lstrip("."), getattr(section, key)
        extra = field.json_schema_extra
        if isinstance(extra, Mapping) and "because" in extra:
            yield Assumption(place, _shown(value), _shown(field.default), field.description or "", str(extra["because"]))
        for inner, part in _sections_in(value, place):
            yield from declared_in(part, inner)


def defaults() -> Table:
    """Return the table of the library's own defaults, for a data set called ``name``."""
    experiments = {"name": Experiment(dataset="name")}
    configuration = Configuration(datasets={"name": Dataset(root=Path("data/name"))}, experiments=experiments)
    return assumptions(list(declared_in(configuration)))


def assumptions(rows: list[Assumption]) -> Table:
    """Return the table of what :func:`declared_in` yields."""
    data = pd.DataFrame(rows, columns=Assumption._fields)
    printed = [[Cell(text) for text in (row.setting, row.value, row.what, _reason(row))] for row in rows]
    return Table(data, [Block("Settings that the paper does not give", ["Setting", "Value", "What", "Why"], printed)])


def _reason(row: Assumption) -> str:
    """Return why: the declared reason is one for the default only."""
    return row.because if row.value == row.default else f"set in the configuration; default {row.default}: {row.because}"


def _sections_in(value: Any, place: str) -> Iterator[tuple[str, Section]]:
    if isinstance(value, Section):
        yield place, value
    elif isinstance(value, Mapping):
        yield from ((f"{place}.{key}", part) for key, part in value.items() if isinstance(part, Section))
    elif isinstance(value, tuple):
        yield from ((f"{place}.{position}", part) for position, part in enumerate(value) if isinstance(part, Section))


def _shown(value: Any) -> str:
    return ", ".join(map(_shown, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(markdown(defaults().blocks))
