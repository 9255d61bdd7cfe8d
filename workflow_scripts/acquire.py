"""Make or bring a data set's folder."""

from pathlib import Path

from align.acquisition.extraction import ArchiveFile
from align.datasets import SOURCES
from align.registry import load
from align.workflow import job

with job(snakemake):
    source = SOURCES[snakemake.params.source]
    settings = source.settings(**snakemake.params.settings)
    archives = {
        key: ArchiveFile(Path(snakemake.input[key]), archive.unpacked_at_most) for key, archive in source.archives.items()
    }
    load(source.implementation)(Path(snakemake.output[0]), settings, **archives)
