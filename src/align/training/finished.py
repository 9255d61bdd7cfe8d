"""Runs that have ended: what is kept of them until Snakemake has come to its own end."""

import shutil
from pathlib import Path

from align import paths

FOLDER = Path(paths.STATE)
FINISHED = "finished"


def forget_finished(folder: Path = FOLDER) -> None:
    """Remove what is kept of runs that have ended, and the folders that this leaves empty."""
    for finished in list(folder.glob(f"**/{FINISHED}")):
        shutil.rmtree(finished.parent, ignore_errors=True)
    for parent in sorted(folder.glob("**/"), reverse=True):
        if not any(parent.iterdir()):
            parent.rmdir()
