"""Download an archive, or take the user's own, and verify it. The archive is no output, so Snakemake never removes it."""

from functools import partial
from pathlib import Path

from align.acquisition.archives import Archive
from align.acquisition.download import download
from align.acquisition.integrity import verify_archive
from align.acquisition.settings import ArchiveOrigin
from align.files import whole_file
from align.workflow.jobs import job

with job(snakemake):
    params, verified = snakemake.params, Path(snakemake.output[0])
    archive, origin = Archive(*params.archive), ArchiveOrigin(**params.origin)
    verify = partial(verify_archive, archive=archive, record=Path(params.record), stated_sha256=origin.sha256)
    path = origin.archive or verified.with_suffix("")
    is_there = origin.archive or path.exists()
    sha256 = verify(path) if is_there else download(origin.address or archive.address, path, verify)
    with whole_file(verified) as partial_file:
        partial_file.write_text(f"{sha256}  {path}\n")
