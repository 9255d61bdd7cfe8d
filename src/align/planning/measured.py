"""What jobs took, by Snakemake's benchmark files, and what jobs are compared by."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from align import paths
from align.configuration.runs import Run
from align.planning.work import Work, measured_training


class Kind(NamedTuple):
    """What jobs are compared by; ``method`` may name a variant, and is None for a job that belongs to no run."""

    step: str
    dataset: str
    method: str | None


class Measured(NamedTuple):
    """What one job took; ``work`` is known of training runs."""

    kind: Kind
    seconds: float
    work: Work | None


def kind_of(benchmark: Path, results: Path = Path(paths.RESULTS)) -> Kind:
    """Return the kind of the job that writes ``benchmark``, a file below ``results``."""
    step, dataset, *_ = benchmark.relative_to(paths.below(results, paths.BENCHMARKS)).with_suffix("").parts
    run = run_of(benchmark, results)
    return Kind(step, dataset, run and run.method)


def run_of(benchmark: Path, results: Path = Path(paths.RESULTS)) -> Run | None:
    """Return the run that ``benchmark`` belongs to, None where to none."""
    _, *parts = benchmark.relative_to(paths.below(results, paths.BENCHMARKS)).with_suffix("").parts
    if len(parts) != len(Run._fields):
        return None
    dataset, protocol, domain, method, seed = parts
    return Run(dataset, protocol, domain, method, int(seed.removeprefix("seed")))


def read_measured(results: Path) -> list[Measured]:
    """Return what every benchmark file below ``results`` says."""
    measured = []
    for path in sorted(paths.below(results, paths.BENCHMARKS).rglob("*.tsv")):
        seconds = _seconds(path)
        kind, run = kind_of(path, results), run_of(path, results)
        work = measured_training(run, results) if run and kind.step == "train" else None
        if seconds > 0:  # NaN: Snakemake could not measure it
            measured.append(Measured(kind, seconds, work))
    return measured


def _seconds(benchmark: Path) -> float:
    try:
        return float(pd.to_numeric(pd.read_csv(benchmark, sep="\t")["s"], errors="coerce").mean())
    except (KeyError, ValueError):  # cut short, or just being written by a job that runs
        return float("nan")
