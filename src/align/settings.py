"""What all settings share. Each part of the library declares its settings beside what they set, in ``settings.py``."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # ~ as in a shell
PositiveInt = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[float, Field(gt=0, lt=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # it becomes part of a path
Seed = Annotated[int, Field(ge=0)]


class Section(BaseModel):
    """A part of the configuration: typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def declared(default: Any, what: str, because: str, **constraints: Any) -> Any:
    """Return a field whose value the paper does not give: ours, and why; it becomes a row of the assumptions table."""
    return Field(default, description=what, json_schema_extra={"because": because}, **constraints)
