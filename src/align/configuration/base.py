"""What every section of the configuration shares."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]  # ~ as in a shell


class Section(BaseModel):
    """A part of the configuration: typed, immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def declared(default: Any, what: str, because: str, **constraints: Any) -> Any:
    """Return a field whose value the paper does not give: ours, and why; it becomes a row of the assumptions table."""
    return Field(default, description=what, json_schema_extra={"because": because}, **constraints)
