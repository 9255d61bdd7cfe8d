"""Make or bring a data set's folder."""

from pathlib import Path

from align.datasets import SOURCES
from align.registry import load
from align.workflow import job

with job(snakemake):
    source = SOURCES[snakemake.params.source]
    generate = load(source.implementation)
    generate(Path(snakemake.output[0]), source.settings(**snakemake.params.settings))
