"""The types that all settings share. Each part of the library keeps its own settings in a ``settings.py`` beside its code."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # ~ as in a shell
PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
ProperShare = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # it becomes part of a path
Seed = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A part of the configuration. Its values are typed and immutable; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def declared(default: Any, what: str, because: str, **constraints: Any) -> Any:
    """Return a pydantic field for a value that the paper does not give. It becomes a row of the table of assumptions.

    Args:
        default: the value that this project chose.
        what: what the value sets.
        because: why this project chose it.
        **constraints: bounds of the value, as pydantic's ``Field`` takes them.
    """
    return Field(default, description=what, json_schema_extra={"because": because}, **constraints)
