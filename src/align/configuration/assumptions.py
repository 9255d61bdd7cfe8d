"""Every setting that the paper does not give: the value in use, and why; asked at every parse, so without heavy imports."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from align.settings import Section


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


def _sections_in(value: Any, place: str) -> Iterator[tuple[str, Section]]:
    if isinstance(value, Section):
        yield place, value
    elif isinstance(value, Mapping):
        yield from ((f"{place}.{key}", part) for key, part in value.items() if isinstance(part, Section))
    elif isinstance(value, tuple):
        yield from ((f"{place}.{position}", part) for position, part in enumerate(value) if isinstance(part, Section))


def _shown(value: Any) -> str:
    return ", ".join(map(_shown, value)) if isinstance(value, tuple) else f"{value:g}" if isinstance(value, float) else str(value)
