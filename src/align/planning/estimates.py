"""The expected seconds of jobs, estimated from similar jobs that have finished, and their sum."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import NamedTuple

import pandas as pd

from align.methods.naming import method_of
from align.planning.finished_jobs import FinishedJob, JobKind, job_kind
from align.planning.jobs import Job
from align.planning.work import Work

SCALED = "scaled by images × epochs × pixels"
AS_MEASURED = "seconds as measured"
NOT_MEASURED = "not measured"


class Estimate(NamedTuple):
    """What a job is expected to take.

    Attributes:
        seconds: the expected seconds. None if no similar job was measured.
        basis: the measurements that the estimate rests on, in words.
    """

    seconds: float | None
    basis: str


Estimator = Callable[[JobKind, Work | None], Estimate]


def by_finished_jobs(kind: JobKind, work: Work | None, finished: Sequence[FinishedJob]) -> Estimate:
    """Return what a job is expected to take: the mean over the finished jobs that are most similar to it.

    The most similar jobs have the same step, variant and data set. If there are none, the variant may be another one of the same
    method. If there are still none, the data set may be another one, too. Seconds are scaled by work if the work of the job and
    of a similar job with the same network is known.

    Args:
        kind: the kind of the job.
        work: the work of the job. None if it is unknown, or if the job's time does not depend on it.
        finished: the finished jobs.
    """
    similar = _most_similar(kind, finished)
    if not similar:
        return Estimate(None, NOT_MEASURED)
    place = "this data set" if similar[0].kind.dataset == kind.dataset else "another data set"
    comparable = [job for job in similar if work and job.work and job.work.architecture == work.architecture]
    if work and comparable:
        return Estimate(work.amount * mean(job.seconds / job.work.amount for job in comparable if job.work), f"{place}, {SCALED}")
    return Estimate(mean(job.seconds for job in similar), f"{place}, {AS_MEASURED}")


def plan(jobs: Sequence[Job], works: Sequence[Work | None], estimate: Estimator) -> pd.DataFrame:
    """Return a row for each rule and method, the one with the most hours first.

    The columns are rule, method, gpu, jobs, not_measured, hours and basis. The hours leave out the jobs that were not measured.

    Args:
        jobs: the planned jobs.
        works: the work of each job.
        estimate: returns what a job is expected to take.
    """
    rows = []
    for job, work in zip(jobs, works):
        kind = job_kind(job.benchmark) if job.benchmark else None
        found = estimate(kind, work) if kind else Estimate(None, NOT_MEASURED)
        method = method_of(kind.method) if kind and kind.method else ""
        rows.append((job.rule, method, job.gpu, found.seconds, found.basis))
    table = pd.DataFrame(rows, columns=["rule", "method", "gpu", "seconds", "basis"])
    grouped = table.groupby(["rule", "method", "gpu"], sort=False)
    summed = grouped.agg(
        jobs=("seconds", "size"),
        not_measured=("seconds", lambda seconds: seconds.isna().sum()),
        hours=("seconds", lambda seconds: seconds.sum(min_count=1) / 3600),
        basis=("basis", lambda bases: "; ".join(sorted(set(bases)))),
    )
    return summed.sort_values("hours", ascending=False, kind="stable").reset_index()


def totals(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for the jobs that ask for a GPU and one for the others, with jobs, not_measured and hours.

    Args:
        table: the table that :func:`plan` returned.
    """
    return table.groupby("gpu")[["jobs", "not_measured", "hours"]].sum()


def _most_similar(kind: JobKind, finished: Sequence[FinishedJob]) -> list[FinishedJob]:
    method = kind.method and method_of(kind.method)
    same_step = [
        job for job in finished if job.kind.step == kind.step and (job.kind.method and method_of(job.kind.method)) == method
    ]
    same_dataset = [job for job in same_step if job.kind.dataset == kind.dataset]
    return [job for job in same_dataset if job.kind.method == kind.method] or same_dataset or same_step
