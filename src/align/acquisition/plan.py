"""What has to be downloaded and made for a configuration: asked at every parse of the workflow."""

from collections.abc import Mapping
from typing import NamedTuple

from align.acquisition.archives import Archive
from align.configuration.schema import Dataset
from align.datasets import SOURCES
from align.datasets.folders import require_settings
from align.datasets.settings import ArchiveFrom


class Download(NamedTuple):
    """An archive to bring: what is known of it, where it is taken from, and the file of its recorded checksum."""

    archive: Archive
    place: ArchiveFrom
    record: str


def downloads_of(name: str, dataset: Dataset) -> dict[str, tuple[str, Download]]:
    """Return, by their keys, the archives of the data set ``name``: each one's path below ``downloads/``, and what to bring."""
    return {
        key: (
            f"{name}/{archive.file}",
            Download(archive, getattr(dataset.source_settings, key), f"checksums/{name}/{archive.file}.sha256"),
        )
        for key, archive in SOURCES[dataset.source_name].archives.items()
    }


def datasets_to_make(datasets: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """Return the data sets whose folder a rule may make.

    A folder that was downloaded, or that came by ``dvc pull``, is never made again by itself: an edited script would be a reason.
    Snakemake leaves its timestamp in what it has made here.

    Raises:
        InputError: a folder that was not made here was generated with other settings.
    """
    to_make = {}
    for name, dataset in datasets.items():
        if dataset.source:
            made_here = (dataset.root / ".snakemake_timestamp").exists()
            if dataset.root.exists() and not made_here:
                require_settings(dataset.root, dataset.source_settings.model_dump(mode="json"))
            if not dataset.root.exists() or (made_here and not SOURCES[dataset.source_name].archives):
                to_make[name] = dataset
    return to_make
