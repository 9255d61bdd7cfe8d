"""Reproduction of ALIGN (arXiv:2511.06944): predictions and explanations, aligned by turns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from align.imaging.view import View
    from align.trained.model import Model

if "snakemake" in vars(sys.modules["__main__"]):  # the script of a job
    import gc

    from align.interruptions import hide_interruptions

    gc.disable()  # until the job begins: the collector would visit what is imported again and again, a fifth of the imports' time
    hide_interruptions()  # the job may be stopped while it imports torch


def load(run: Path | str, device: str = "auto", view: View | None = None) -> Model:
    """Return the model of a finished run: see :func:`align.trained.model.load`."""
    from align.trained.model import load  # it imports torch, which takes seconds

    return load(run, device, view)
