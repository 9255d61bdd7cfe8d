"""Data sets that the pipeline generates or downloads itself. A folder of your own images needs a configuration entry, no code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from align.acquisition import archives
from align.acquisition.archives import Archive
from align.datasets import source_settings
from align.settings import Section


class Source(NamedTuple):
    """A generator or a download that makes a data set's folder.

    Attributes:
        implementation: the function that makes the folder, as ``module:attribute``. Its arguments are the folder, the settings,
            an :class:`~align.acquisition.archive_file.ArchiveFile` for each archive and a path for each listing, under their
            names below.
        settings: the class of its settings.
        domains: the domains that it makes.
        archives: the archives that are downloaded first, by name.
        published_as: the data set's name in ``reference/dataset_counts.csv``, with settings in braces. The folder must then have
            the numbers of images that are published there. None if no numbers are published.
        listings: files of ``reference/`` that the function reads, by name.
    """

    implementation: str
    settings: type[Section]
    domains: tuple[str, ...]
    archives: Mapping[str, Archive] = MappingProxyType({})
    published_as: str | None = None
    listings: Mapping[str, str] = MappingProxyType({})


FOLDERS = "align.datasets.archived_folders:unpack_archives"  # for archives that hold <domain>/<class>/<image>
DOMAIN_NET = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")


def downloaded(
    name: str,
    implementation: str,
    domains: tuple[str, ...],
    files: Mapping[str, Archive],
    published_as: str | None = None,
    base: type[Section] = Section,
    **listings: str,
) -> Source:
    """Return a source that unpacks the archives ``files``. Its settings are ``base``'s and say where each archive comes from."""
    return Source(implementation, source_settings.archive_settings(name, files, base), domains, files, published_as, listings)


SOURCES = {
    "digit_scenes": Source(
        "align.datasets.digit_scenes:generate", source_settings.DigitScenesSettings, ("china", "flower", "noise", "stripes")
    ),
    "vlcs": downloaded("vlcs", FOLDERS, ("Caltech101", "LabelMe", "SUN09", "VOC2007"), archives.VLCS, "VLCS"),
    "terra_incognita": downloaded(
        "terra_incognita",
        "align.datasets.terra_incognita:unpack_archives",
        ("L100", "L38", "L43", "L46"),
        archives.TERRA_INCOGNITA,
        "TerraIncognita-{version}",
        source_settings.TerraIncognitaSettings,
        listing="terra_incognita_24788.csv.gz",
    ),
    "pacs": downloaded("pacs", FOLDERS, ("art_painting", "cartoon", "photo", "sketch"), archives.PACS, "PACS"),
    "office_home": downloaded(
        "office_home", FOLDERS, ("Art", "Clipart", "Product", "Real_World"), archives.OFFICE_HOME, "OfficeHome"
    ),
    "domain_net": downloaded("domain_net", FOLDERS, DOMAIN_NET, archives.DOMAIN_NET, "DomainNet"),
    "domain_net_whole": downloaded("domain_net_whole", FOLDERS, DOMAIN_NET, archives.DOMAIN_NET_WHOLE, "DomainNet"),
}
