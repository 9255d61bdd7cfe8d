"""Settings that the paper does not give, with value and reason. Every parse reads them, so this module imports nothing heavy."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from align.settings import Section


class Assumption(NamedTuple):
    """A setting that the paper does not give.

    Attributes:
        setting: its key in the configuration, with dots.
        value: the value in use.
        default: the library's default.
        what: what the value sets.
        because: the reason for the default.
    """

    setting: str
    value: str
    default: str
    what: str
    because: str


def declared_in(section: Section, name: str = "") -> Iterator[Assumption]:
    """Yield every declared field of a section and of the sections inside it, in their order.

    Args:
        section: a part of the configuration, or the whole configuration.
        name: the key of the section, with dots. It is empty for the whole configuration.
    """
    for key, field in type(section).model_fields.items():
        place, value = f"{name}.{key}".lstrip("."), getattr(section, key)
        extra = field.json_schema_extra
        if isinstance(extra, Mapping) and "because" in extra:
            yield Assumption(place, _as_text(value), _as_text(field.default), field.description or "", str(extra["because"]))
        for inner, part in _sections_in(value, place):
            yield from declared_in(part, inner)


def _sections_in(value: Any, place: str) -> Iterator[tuple[str, Section]]:
    if isinstance(value, Section):
        yield place, value
    elif isinstance(value, Mapping):
        yield from ((f"{place}.{key}", part) for key, part in value.items() if isinstance(part, Section))
    elif isinstance(value, tuple):
        yield from ((f"{place}.{position}", part) for position, part in enumerate(value) if isinstance(part, Section))


def _as_text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_as_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
