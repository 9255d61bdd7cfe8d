"""Copies of the outputs of finished runs. They are kept until Snakemake itself has ended."""

import shutil
from pathlib import Path

from align import paths

FOLDER = Path(paths.STATE)
FINISHED = "finished"


def forget_finished(folder: Path = FOLDER) -> None:
    """Remove the copies of the outputs of finished runs, and the folders that are then empty."""
    for finished in list(folder.glob(f"**/{FINISHED}")):
        shutil.rmtree(finished.parent, ignore_errors=True)
    for parent in sorted(folder.glob("**/"), reverse=True):
        if not any(parent.iterdir()):
            parent.rmdir()
