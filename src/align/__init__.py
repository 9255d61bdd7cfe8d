"""Reproduction of ALIGN (arXiv:2511.06944): predictions and explanations, aligned by turns."""

import sys

if "snakemake" in vars(sys.modules["__main__"]):  # the script of a job, which may be stopped while it imports torch
    from align.interruptions import hide_interruptions

    hide_interruptions()
