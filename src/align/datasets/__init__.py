"""Data sets that the pipeline makes or brings by itself; any folder of images needs no code, only a configuration entry."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from align.acquisition import archives
from align.acquisition.archives import Archive
from align.datasets import source_settings
from align.settings import Section


class Source(NamedTuple):
    """What makes or brings a data set's folder.

    Attributes:
        implementation: the function that does it, as ``module:attribute``. It is called with the folder, the settings and, by
            their names below, one :class:`~align.acquisition.extraction.ArchiveFile` for each archive.
        settings: what can be set.
        domains: those that it makes.
        archives: what has to be downloaded first.
        published_as: the data set's name in ``reference/dataset_counts.csv``, whose counts it must then have; None where nothing
            is published that it could be compared with.
    """

    implementation: str
    settings: type[Section]
    domains: tuple[str, ...]
    archives: Mapping[str, Archive] = MappingProxyType({})
    published_as: str | None = None


FOLDERS = "align.datasets.archived_folders:bring"  # archives that hold <domain>/<class>/<image>


def downloaded(
    name: str, implementation: str, domains: tuple[str, ...], of_source: Mapping[str, Archive], published_as: str | None = None
) -> Source:
    """Return a source with archives; what can be set is where each is taken from."""
    return Source(implementation, source_settings.archive_settings(name, of_source), domains, of_source, published_as)


SOURCES = {
    "digit_scenes": Source(
        "align.datasets.digit_scenes:generate", source_settings.DigitScenesSettings, ("china", "flower", "noise", "stripes")
    ),
    "vlcs": downloaded("vlcs", FOLDERS, ("Caltech101", "LabelMe", "SUN09", "VOC2007"), archives.VLCS, "VLCS"),
    "terra_incognita": downloaded(
        "terra_incognita", "align.datasets.terra_incognita:bring", ("L100", "L38", "L43", "L46"), archives.TERRA_INCOGNITA
    ),
    "pacs": downloaded("pacs", FOLDERS, ("art_painting", "cartoon", "photo", "sketch"), archives.PACS, "PACS"),
    "office_home": downloaded(
        "office_home", FOLDERS, ("Art", "Clipart", "Product", "Real_World"), archives.OFFICE_HOME, "OfficeHome"
    ),
    "domain_net": downloaded(
        "domain_net",
        FOLDERS,
        ("clipart", "infograph", "painting", "quickdraw", "real", "sketch"),
        archives.DOMAIN_NET,
        "DomainNet",
    ),
}
