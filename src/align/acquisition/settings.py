"""Settings of a download. This module imports nothing heavy, see align.registry."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from align.settings import Section, UserPath

Address = Annotated[str, Field(pattern="^https?://")]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ArchiveOrigin(Section):
    """Where an archive of a published data set comes from. By default, its public addresses are tried in order."""

    address: Annotated[tuple[Address, ...] | None, BeforeValidator(_as_list)] = Field(
        None,
        min_length=1,
        description="another address of the same archive, or several that are tried in order; no other address is tried",
    )
    archive: UserPath | None = Field(None, description="the archive on this machine; nothing is downloaded")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="its checksum; it replaces the published sizes and checksums"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.address and self.archive:
            raise ValueError("found both address and archive, expected one of them")
        return self
