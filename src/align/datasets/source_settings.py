"""Settings of the sources of data sets. This module imports nothing heavy, see align.registry."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from align.acquisition.archives import Archive
from align.acquisition.settings import ArchiveOrigin
from align.settings import Section, declared


class DigitScenesSettings(Section):
    """DigitScenes, the built-in benchmark: real handwritten digits on four kinds of background."""

    seed: Annotated[int, Field(ge=0)] = Field(0, description="seed of the scenes")
    image_size: Annotated[int, Field(ge=32, le=224)] = declared(48, "side of the scenes, pixels", "trains on a laptop")
    images_per_class: Annotated[int, Field(ge=3, le=1000)] = declared(200, "scenes per class and domain", "trains on a laptop")
    background_correlation: Annotated[float, Field(ge=0, le=0.3)] = declared(
        0.2, "share of the scenes whose background is fixed by their class", "above 0.3 nothing transfers to another domain"
    )


class TerraIncognitaSettings(Section):
    """Terra Incognita: which of the published versions of the data set is made from its archives."""

    version: Literal[24788, "current"] = declared(
        24788,
        "24788: the images, locations and classes of DomainBed's paper, by a list of them; current: what the present annotation "
        "files say, which are other images",
        "the published numbers of DomainBed and DRE are of these 24,788 images",
    )


def archive_settings(source: str, archives: Mapping[str, Archive], base: type[Section] = Section) -> type[Section]:
    """Return the class of the settings of a download: an :class:`ArchiveOrigin` for each of its archives.

    Args:
        source: name of the class.
        archives: the archives by name.
        base: the class of its other settings.
    """
    fields: dict[str, Any] = {
        key: (ArchiveOrigin, Field(default_factory=ArchiveOrigin, description=f"where {archive.file} is taken from"))
        for key, archive in archives.items()
    }
    documented = base.__doc__ if base is not Section else "A published data set, which is downloaded and unpacked."
    return create_model(source, __base__=base, __doc__=documented, **fields)
