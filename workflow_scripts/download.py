"""Download an archive, or take the user's own, and verify it. The archive is no output, so Snakemake never removes it."""

from functools import partial
from pathlib import Path

from align.acquisition.obtaining import obtain
from align.acquisition.settings import ArchiveOrigin
from align.datasets import SOURCES
from align.files import write_json
from align.preparation.verification import require_published_images
from align.workflow.jobs import job

with job(snakemake):
    params, verified = snakemake.params, Path(snakemake.output[0])
    archive, origin = SOURCES[params.source].archives[params.key], ArchiveOrigin(**params.origin)
    require_counts = partial(require_published_images, published=params.published) if params.published else None
    obtained = obtain(archive, origin, verified.with_suffix(""), Path(params.record), require_counts)
    write_json(verified, obtained.model_dump(mode="json"))
