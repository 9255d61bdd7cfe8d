"""The types that all settings share. Each part of the library keeps its own settings in a ``settings.py`` beside its code."""

import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # ~ as in a shell
PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
ProperShare = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0)]


def as_text(value: Any) -> Any:
    """Return the name of a folder that YAML has read as a number or a date.

    Raises:
        ValueError: the name cannot be told from what YAML has made of it, such as ``no`` or ``1.10``.
    """
    if isinstance(value, bool | float) or value is None:
        read = "nothing" if value is None else str(value)
        raise ValueError(
            f"found {read}, expected a name; YAML reads yes, no, on, off, null and 1.10 as values: put the name into quotes"
        )
    return str(value) if isinstance(value, int | date) else value


def one_folder(name: str) -> str:
    """Return ``name`` if a folder can have it.

    Raises:
        ValueError: it cannot, or it would be hidden.
    """
    if not name.strip() or "/" in name or name.startswith(".") or has_control(name):
        raise ValueError(
            f"found {name!a}, expected the name of a folder: without a slash, a control character or a dot at the beginning"
        )
    return name


def has_control(text: str) -> bool:
    """Return whether a text has control characters, such as a line break."""
    return any(unicodedata.category(character) == "Cc" for character in text)


Name = Annotated[str, BeforeValidator(as_text), AfterValidator(one_folder)]  # it becomes part of a path


class Section(BaseModel):
    """A part of the configuration. Its values are typed and immutable; an unknown key is an error.

    Where a list is expected, a single value is a list of one. A truth value is no number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _as_written(cls, value: Any, info: ValidationInfo) -> Any:
        parts = list(_parts(cls.model_fields[str(info.field_name)].annotation))
        if any(get_origin(part) is tuple and Ellipsis in get_args(part) for part in parts) and value is not None:
            value = value if isinstance(value, list | tuple) else (value,)
        if int in parts or float in parts:
            for item in value if isinstance(value, list | tuple) else (value,):
                if isinstance(item, bool):
                    raise ValueError(f"found {item}, expected a number; YAML reads yes, no, on and off as truth values")
        return value


def _parts(annotation: Any) -> Iterator[Any]:
    """Yield a type and all types within it."""
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def declared(default: Any, what: str, because: str, **constraints: Any) -> Any:
    """Return a pydantic field for a value that the paper does not give. It becomes a row of the table of assumptions.

    Args:
        default: the value that this project chose.
        what: what the value sets.
        because: why this project chose it.
        **constraints: bounds of the value, as pydantic's ``Field`` takes them.
    """
    return Field(default, description=what, json_schema_extra={"because": because}, **constraints)
