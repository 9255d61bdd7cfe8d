"""The last lines of a run of the whole workflow: what came out, what to beware of, and what to open."""

import atexit
from collections.abc import Iterable
from pathlib import Path

from align.files import read_json
from align.results.run_warnings import run_warnings
from align.verdict.answers import read_answers
from align.verdict.headline import counted_words, headline


def announce_results(verdict: Path | str, accounts: Iterable[Path | str], read_first: Path | str) -> None:
    """Print :func:`ending` as the last lines of this process, below what Snakemake itself says at its end."""
    atexit.register(print, f"\n{ending(verdict, accounts, read_first)}", flush=True)


def ending(verdict: Path | str, accounts: Iterable[Path | str], read_first: Path | str) -> str:
    """Return the headline, the counted words, the warnings about runs, and the path of what a person opens first.

    Args:
        verdict: the ``verdict.csv``.
        accounts: the ``run.json`` of every run.
        read_first: what a person opens first.

    Raises:
        InputError: one of the files cannot be read.
    """
    answers = read_answers(verdict)
    warnings = [f"Warning: {warning}" for warning in run_warnings([read_json(path) for path in accounts])]
    return "\n".join([headline(answers), counted_words(answers), *warnings, f"Results: {read_first}"])
