"""Make or bring a data set's folder."""

from pathlib import Path

from align.acquisition.extraction import ArchiveFile
from align.datasets import SOURCES
from align.datasets.folders import ACQUISITION, read_acquisition
from align.files import write_json
from align.registry import load
from align.workflow.jobs import job

with job(snakemake):
    root, source = Path(snakemake.output[0]), SOURCES[snakemake.params.source]
    settings = source.settings(**snakemake.params.settings)
    verified = {key: Path(snakemake.input[key]).read_text().rstrip("\n").split("  ", 1) for key in source.archives}
    archives = {key: ArchiveFile(Path(path), source.archives[key].unpacked_at_most) for key, (_, path) in verified.items()}
    load(source.implementation)(root, settings, **archives)
    if verified:
        checksums = {source.archives[key].file: sha256 for key, (sha256, _) in verified.items()}
        write_json(root / ACQUISITION, read_acquisition(root) | {"archives": checksums})
