"""What can be set of each source of a data set. Imports nothing heavy: see align.registry."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, create_model

from align.acquisition.archives import Archive
from align.acquisition.settings import ArchiveFrom
from align.settings import Section, declared


class DigitScenesSettings(Section):
    """DigitScenes, the embedded benchmark: real handwritten digits on four kinds of background."""

    seed: Annotated[int, Field(ge=0)] = 0
    image_size: Annotated[int, Field(ge=32, le=224)] = declared(48, "side of the scenes, pixels", "trains on a laptop")
    images_per_class: Annotated[int, Field(ge=3, le=1000)] = declared(200, "scenes per class and domain", "trains on a laptop")
    background_correlation: Annotated[float, Field(ge=0, le=0.3)] = declared(
        0.2, "share of the scenes whose background is fixed by their class", "above 0.3 nothing transfers to another domain"
    )


def archive_settings(source: str, archives: Mapping[str, Archive]) -> type[Section]:
    """Return the settings of a source that is downloaded: an :class:`ArchiveFrom` for each of its archives."""
    fields: dict[str, Any] = {
        key: (ArchiveFrom, Field(default_factory=ArchiveFrom, description=f"where {archive.file} is taken from"))
        for key, archive in archives.items()
    }
    return create_model(source, __base__=Section, **fields)
