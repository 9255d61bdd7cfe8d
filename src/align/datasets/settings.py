"""What can be set of each data set source. Imports nothing heavy: see align.registry."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, create_model, model_validator

from align.acquisition.archives import Archive
from align.configuration.base import Section, UserPath, declared


class DigitScenesSettings(Section):
    """DigitScenes, the embedded benchmark: real handwritten digits on four kinds of background."""

    seed: Annotated[int, Field(ge=0)] = 0
    image_size: Annotated[int, Field(ge=32, le=224)] = declared(48, "side of the scenes, pixels", "trains on a laptop")
    images_per_class: Annotated[int, Field(ge=3, le=1000)] = declared(200, "scenes per class and domain", "trains on a laptop")
    background_correlation: Annotated[float, Field(ge=0, le=0.3)] = declared(
        0.2, "share of the scenes whose background is fixed by their class", "above 0.3 nothing transfers to another domain"
    )


class ArchiveFrom(Section):
    """Where an archive of a published data set is taken from; without an entry, from its public address."""

    address: str | None = Field(None, pattern="^https?://", description="another address of the same archive")
    archive: UserPath | None = Field(None, description="the archive on this machine; nothing is downloaded")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="its checksum, in place of what is known of the archive"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.address and self.archive:
            raise ValueError("found both address and archive, expected one of them")
        return self


def of_archives(source: str, archives: Mapping[str, Archive]) -> type[Section]:
    """Return the settings of a source that is downloaded: an :class:`ArchiveFrom` for each of its archives."""
    fields: dict[str, Any] = {
        key: (ArchiveFrom, Field(default_factory=ArchiveFrom, description=f"where {archive.file} is taken from"))
        for key, archive in archives.items()
    }
    return create_model(source, __base__=Section, **fields)
