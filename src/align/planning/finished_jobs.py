"""Finished jobs and their times, from Snakemake's benchmark files."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from align import paths
from align.configuration.run import Run
from align.planning.work import Work, finished_training, precision_and_device

RUN_STEPS = ("train", "evaluate")  # the benchmark files of other steps belong to no run


class JobKind(NamedTuple):
    """What makes two jobs similar.

    Attributes:
        step: the step of the workflow, such as ``train``.
        dataset: the data set.
        method: the method or variant. None for a job that belongs to no run.
    """

    step: str
    dataset: str
    method: str | None


class FinishedJob(NamedTuple):
    """A finished job.

    Attributes:
        kind: what makes it similar to other jobs.
        seconds: the time that it took.
        work: its work, if it trained a run.
        trained_in: the precision and the device in words, if it trained a run.
    """

    kind: JobKind
    seconds: float
    work: Work | None
    trained_in: str | None = None


def job_kind(benchmark: Path, results: Path = Path(paths.RESULTS)) -> JobKind:
    """Return the kind of the job that writes the file ``benchmark`` below ``results``."""
    step, dataset, *_ = _job_name(benchmark, results)
    run = benchmarked_run(benchmark, results)
    return JobKind(step, dataset, run and run.method)


def benchmarked_run(benchmark: Path, results: Path = Path(paths.RESULTS)) -> Run | None:
    """Return the run that the file ``benchmark`` belongs to. None if its job belongs to no run."""
    step, *parts = _job_name(benchmark, results)
    return Run.from_path("/".join(parts[: len(Run._fields)])) if step in RUN_STEPS else None


def read_finished_jobs(results: Path) -> list[FinishedJob]:
    """Return the job of every benchmark file below ``results``."""
    finished = []
    for path in sorted(paths.below(results, paths.BENCHMARKS).rglob("*.tsv")):
        seconds = _seconds(path)
        kind, run = job_kind(path, results), benchmarked_run(path, results)
        account = paths.below(results, paths.RUNS).joinpath(*_job_name(path, results)[1:], Path(paths.ACCOUNT).name)
        trained = bool(run) and kind.step == "train"
        if seconds > 0:  # NaN: Snakemake could not measure it
            work, how = (finished_training(account, results), precision_and_device(account)) if trained else (None, None)
            finished.append(FinishedJob(kind, seconds, work, how))
    return finished


def _job_name(benchmark: Path, results: Path) -> tuple[str, ...]:
    return benchmark.relative_to(paths.below(results, paths.BENCHMARKS)).with_suffix("").parts


def _seconds(benchmark: Path) -> float:
    try:
        return float(pd.to_numeric(pd.read_csv(benchmark, sep="\t")["s"], errors="coerce").mean())
    except (KeyError, ValueError):  # the file is cut short, or a running job is writing it
        return float("nan")
