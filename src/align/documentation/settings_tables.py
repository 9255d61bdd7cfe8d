"""Every setting of the configuration as Markdown, from the schema: its values, its default, what it sets, and why."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

from align.configuration.schema import Configuration
from align.documentation.allowed_values import allowed_values, default_value
from align.documentation.markdown import first_paragraph, prose, source_file, table
from align.settings import Section

HEADER = ("Key", "Values", "Default", "What it sets", "Why this default")
NAME = "NAME"  # stands in a key for a name that the user chooses


class Setting(NamedTuple):
    """A setting, in words: its key in its section, the values that it takes, its default, its meaning, and the reason."""

    key: str
    values: str
    default: str
    meaning: str
    reason: str


class SettingsTable(NamedTuple):
    """The settings of a section.

    Attributes:
        places: the keys under which the configuration has such a section, with dots. The whole configuration has the key "".
        section: the class of the section.
        settings: its settings, in their order.
    """

    places: list[str]
    section: type[Section]
    settings: list[Setting]


@cache
def settings_tables() -> list[SettingsTable]:
    """Return a table for each class of a section, in the order of the configuration."""
    places: dict[type[Section], list[str]] = {}
    for place, section in _sections(Configuration, ""):
        places.setdefault(section, []).append(place)
    first_places = {section: found[0] for section, found in places.items()}
    return [SettingsTable(found, section, _settings(section, first_places)) for section, found in places.items()]


def settings_reference() -> str:
    """Return the tables of all sections as Markdown, each with a heading."""
    return "\n\n".join(map(_chapter, settings_tables()))


def section_settings(place: str) -> str:
    """Return the table of the section at ``place``, such as ``methods.dre``, as Markdown without a heading."""
    (found,) = (each for each in settings_tables() if place in each.places)
    return table(HEADER, found.settings)


def _sections(section: type[Section], place: str) -> Iterator[tuple[str, type[Section]]]:
    """Yield a section and all sections within it, each with its key."""
    yield place, section
    for key, field in section.model_fields.items():
        for inner_place, inner in _sections_of(field.annotation, f"{place}.{key}".lstrip(".")):
            yield from _sections(inner, inner_place)


def _sections_of(annotation: Any, place: str) -> Iterator[tuple[str, type[Section]]]:
    """Yield the classes of sections in a type, each with the key of such a section."""
    if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, Section):
        yield place, annotation
    inside = f"{place}.{NAME}" if get_origin(annotation) is dict else place
    for part in get_args(annotation):
        yield from _sections_of(part, inside)


def _settings(section: type[Section], first_places: Mapping[type[Section], str]) -> list[Setting]:
    """Return the settings of a section. A setting that is a section itself leads to the heading at its first place."""
    schema = section.model_json_schema()
    settings = []
    for key, field in section.model_fields.items():
        declared = schema["properties"][key]
        values, meaning, reason = allowed_values(declared), prose(declared.get("description", "")), declared.get("because", "")
        default = default_value(declared, required=key in schema.get("required", ()))
        for _, inner in _sections_of(field.annotation, key):
            values, default = f"[{values}](#{_anchor(first_places[inner])})", ""
            meaning = meaning or first_paragraph(inner)
        settings.append(Setting(f"`{key}`", values, default, meaning, prose(reason)))
    return settings


def _chapter(found: SettingsTable) -> str:
    heading, *others = (f"`{place}`" if place else "The whole file" for place in found.places)
    also = f"These sections have the same settings: {', '.join(others)}.\n\n" if others else ""
    about = f"{first_paragraph(found.section)} Code: {source_file(found.section.__module__)}."
    return f"### {heading}\n\n{about}\n\n{also}{table(HEADER, found.settings)}"


def _anchor(place: str) -> str:
    """Return the name that the site gives to the heading of a section."""
    return re.sub(r"[^\w-]", "", place.lower())
