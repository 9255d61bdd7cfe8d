"""Settings of a download. This module imports nothing heavy, see align.registry."""

from typing import Self

from pydantic import Field, model_validator

from align.settings import Section, UserPath


class ArchiveOrigin(Section):
    """Where an archive of a published data set comes from. By default, it is downloaded from its public address."""

    address: str | None = Field(None, pattern="^https?://", description="another address of the same archive")
    archive: UserPath | None = Field(None, description="the archive on this machine; nothing is downloaded")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="its checksum; it replaces the published size and checksum"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.address and self.archive:
            raise ValueError("found both address and archive, expected one of them")
        return self
