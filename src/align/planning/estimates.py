"""Expected seconds of jobs, from what jobs like them took, and their sum."""

from collections.abc import Callable, Sequence
from statistics import mean
from typing import NamedTuple

import pandas as pd

from align.methods.naming import method_of
from align.planning.jobs import Job
from align.planning.measured import Kind, Measured, kind_of
from align.planning.work import Work

SCALED = "scaled by images × epochs × pixels"
AS_MEASURED = "seconds as measured"
NOT_MEASURED = "not measured"


class Estimate(NamedTuple):
    """Expected seconds of a job, None where no job like it was measured, and what they rest on."""

    seconds: float | None
    basis: str


Estimator = Callable[[Kind, Work | None], Estimate]


def by_finished_jobs(kind: Kind, work: Work | None, measured: Sequence[Measured]) -> Estimate:
    """Return what a job is expected to take: the mean over the jobs that are most like it.

    Most like it are those of the same step with the same variant on the same data set, then with the same method on it, then with
    the same method on any. Seconds are scaled where the work is known of the job and of one of these, with the same network.

    Args:
        kind: of the job.
        work: what it has to do, None where that is not known or not what its time depends on.
        measured: what other jobs took.
    """
    alike = _most_alike(kind, measured)
    if not alike:
        return Estimate(None, NOT_MEASURED)
    place = "this data set" if alike[0].kind.dataset == kind.dataset else "another data set"
    comparable = [job for job in alike if work and job.work and job.work.architecture == work.architecture]
    if work and comparable:
        return Estimate(work.amount * mean(job.seconds / job.work.amount for job in comparable if job.work), f"{place}, {SCALED}")
    return Estimate(mean(job.seconds for job in alike), f"{place}, {AS_MEASURED}")


def plan(jobs: Sequence[Job], works: Sequence[Work | None], estimate: Estimator) -> pd.DataFrame:
    """Return a row per rule and method: rule, method, gpu, jobs, not_measured, hours (of those measured), basis; longest first.

    Args:
        jobs: what is planned.
        works: of each job.
        estimate: gives what a job is expected to take.
    """
    rows = []
    for job, work in zip(jobs, works):
        kind = kind_of(job.benchmark) if job.benchmark else None
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
    """Return a row for the jobs that ask for a GPU and one for the others: jobs, not_measured, hours.

    Args:
        table: from :func:`plan`.
    """
    return table.groupby("gpu")[["jobs", "not_measured", "hours"]].sum()


def _most_alike(kind: Kind, measured: Sequence[Measured]) -> list[Measured]:
    method = kind.method and method_of(kind.method)
    same_step = [
        job for job in measured if job.kind.step == kind.step and (job.kind.method and method_of(job.kind.method)) == method
    ]
    same_dataset = [job for job in same_step if job.kind.dataset == kind.dataset]
    return [job for job in same_dataset if job.kind.method == kind.method] or same_dataset or same_step
