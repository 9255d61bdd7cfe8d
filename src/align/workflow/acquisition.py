"""The archives to download and the data sets to make for a configuration. Every parse of the workflow asks for them."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from align import paths
from align.acquisition.archives import Archive, Mirror
from align.acquisition.mirrors import chosen_mirrors
from align.acquisition.settings import ArchiveOrigin
from align.configuration.places import Places
from align.datasets import SOURCES
from align.datasets.folders import contents_hash, read_acquisition, require_settings
from align.datasets.settings import Dataset
from align.errors import InputError


class Download(NamedTuple):
    """An archive to download.

    Attributes:
        source: the source of its data set.
        key: the archive's name there.
        origin: the configured place to take it from.
        record: the file with its recorded checksum.
        published_as: the name of its data set in ``reference/dataset_counts.csv``.
    """

    source: str
    key: str
    origin: ArchiveOrigin
    record: str
    published_as: str | None

    @property
    def archive(self) -> Archive:
        """Return the archive with its published addresses, sizes and checksums."""
        return SOURCES[self.source].archives[self.key]

    @property
    def mirrors(self) -> tuple[Mirror, ...]:
        """Return the addresses that are tried. None is tried if the configuration names a file."""
        return chosen_mirrors(self.archive, self.origin)


def archive_downloads(name: str, dataset: Dataset) -> dict[str, tuple[str, Download]]:
    """Return the archives of the data set ``name`` by key, each with its path below ``downloads/`` and its download."""
    downloads: dict[str, tuple[str, Download]] = {}
    for key, archive in SOURCES[dataset.source_name].archives.items():
        path = f"{name}/{archive.file}"
        record = paths.RECORDED_CHECKSUM.format(archive=path)
        origin = getattr(dataset.source_settings, key)
        downloads[key] = path, Download(dataset.source_name, key, origin, record, dataset.published_as(name))
    return downloads


def datasets_to_make(datasets: Mapping[str, Dataset], places: Places) -> dict[str, Dataset]:
    """Return the data sets whose folder a rule may make, one for each folder.

    A folder that exists is made again only if Snakemake has made it here, without a download. Snakemake marks such a folder with
    its timestamp. Otherwise an edited script would be enough to download a folder again, or to replace one from ``dvc pull``.

    Args:
        datasets: the data sets in use, by name.
        places: where their listings are.

    Raises:
        InputError: a folder that is not made again was made with other settings, or has changed since its files were listed; or
            two data sets with different sources have the same folder.
    """
    to_make: dict[str, Dataset] = {}
    makers: dict[Path, str] = {}
    for name, dataset in datasets.items():
        if dataset.source:
            maker = makers.setdefault(dataset.root.resolve(), name)
            if datasets[maker].source != dataset.source or datasets[maker].root != dataset.root:
                raise InputError(f"datasets.{name}: found the root of datasets.{maker}, {dataset.root}, expected another folder")
            made_here = (dataset.root / ".snakemake_timestamp").exists()
            if dataset.root.exists() and not (made_here and not SOURCES[dataset.source_name].archives):
                _require_as_configured(name, dataset, places)
            elif maker == name:
                to_make[name] = dataset
    return to_make


def _require_as_configured(name: str, dataset: Dataset, places: Places) -> None:
    root, settings = dataset.root, dataset.source_settings
    archives = SOURCES[dataset.source_name].archives
    require_settings(root, settings.model_dump(mode="json", exclude=set(archives)))
    made_of = read_acquisition(root).get("archives", {})
    for key, archive in archives.items():
        stated, found = getattr(settings, key).sha256, made_of.get(archive.file)
        if stated and found and stated != found:
            raise InputError(
                f"{root}: found images of an archive {archive.file} with sha256 {found}, expected {stated} as configured; remove "
                "the folder to have it made again"
            )
    manifest, listed = (Path(places.dataset(pattern, name)) for pattern in (paths.MANIFEST, paths.LISTED))
    if listed.exists() and listed.read_text() != contents_hash(root):
        raise InputError(
            f"{root}: found other files than when they were listed; remove {manifest} and {listed} to have them listed again, "
            "or restore the files (`dvc checkout`)"
        )
