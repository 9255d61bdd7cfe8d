"""Bring an archive from its address, or link to the user's own; verified either way."""

from functools import partial
from pathlib import Path

from align.acquisition.archives import Archive
from align.acquisition.download import download
from align.acquisition.integrity import verify_archive
from align.datasets.settings import ArchiveFrom
from align.workflow import job

with job(snakemake):
    params = snakemake.params
    archive, place = Archive(*params.archive), ArchiveFrom(**params.place)
    path = Path(snakemake.output[0])
    verify = partial(verify_archive, archive=archive, record=Path(params.record), stated_sha256=place.sha256)
    if place.archive:
        verify(place.archive)
        path.symlink_to(place.archive.resolve())  # not a copy: it has gigabytes
    else:
        download(place.address or archive.address, path, verify)
