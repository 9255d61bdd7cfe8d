"""The time of a finished workflow that is neither training nor evaluation: ``python -m benchmarks.overhead <folder>``.

In this folder ``make reproduce`` must have made everything anew, for example in a fresh checkout.
"""

import json
import math
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

GOAL = 0.15  # largest share of the cores' time
NEITHER = "neither training nor evaluation"  # the start-up of their jobs, and all else
LOG = re.compile(r"^Provided cores: (?P<cores>\d+)$.*^Elapsed time: (?P<elapsed>[^\n]+)$", re.MULTILINE | re.DOTALL)
EVALUATED = re.compile(r"done in ([\d.]+) s")
LOG_NAME = "%Y-%m-%dT%H%M%S.%f.snakemake.log"  # named by the time when Snakemake began


class WorkflowRun(NamedTuple):
    """A call of Snakemake that has finished."""

    start: datetime
    elapsed: timedelta
    cores: int


def main(folder: Path) -> None:
    run = longest_run(folder)
    table = overhead(folder, run)
    print(f"{folder}: {run.elapsed.total_seconds():.0f} s on {run.cores} cores")
    printed = table.astype({"jobs": object, "goal": object}).fillna({"jobs": "", "goal": ""})
    print(printed.to_string(index=False, na_rep="not known", float_format="{:.4g}".format))


def longest_run(folder: Path) -> WorkflowRun:
    """Return the longest call of Snakemake among the logs in ``folder``. So it is no dry run, and no call from inside a job.

    Raises:
        SystemExit: no log belongs to a finished run.
    """
    runs = []
    for path in (folder / ".snakemake/log").glob("*.snakemake.log"):
        if found := LOG.search(path.read_text()):
            elapsed = pd.Timedelta(found["elapsed"]).to_pytimedelta()
            runs.append(WorkflowRun(datetime.strptime(path.name, LOG_NAME), elapsed, int(found["cores"])))
    if not runs:
        raise SystemExit(f"{folder}: found no finished run in .snakemake/log, expected the folder of a finished `make reproduce`")
    return max(runs, key=lambda run: run.elapsed)


def overhead(folder: Path, run: WorkflowRun) -> pd.DataFrame:
    """Return how the cores' time was used, with columns part, jobs, seconds (of one core), share and goal.

    ``training`` and ``evaluation`` are the times that ``run.json`` and the log record. The ``start-up`` is the rest of the time
    of their jobs: Python, imports, reading and hashing of the data, and writing. ``all else`` is the time of all other jobs, of
    Snakemake itself, and of waiting cores. Jobs of other calls of Snakemake do not count. A time that is not recorded is NaN,
    and so is a sum with it.
    """
    total = run.cores * run.elapsed.total_seconds()
    jobs = {step: _job_seconds(folder / "results/benchmarks" / step, run) for step in ("train", "evaluate")}
    trained = [_wall_seconds(folder / "results/runs" / path) for path in jobs["train"]]
    evaluated = [_evaluated_seconds(folder / "results/logs/evaluate" / f"{path}.log") for path in jobs["evaluate"]]
    training_jobs, evaluation_jobs = (sum(seconds.values()) for seconds in jobs.values())
    start_ups = training_jobs - sum(trained), evaluation_jobs - sum(evaluated)
    all_else = total - training_jobs - evaluation_jobs
    parts = [
        ("training", len(trained), sum(trained)),
        ("start-up of training", len(trained), start_ups[0]),
        ("evaluation", len(evaluated), sum(evaluated)),
        ("start-up of evaluation", len(evaluated), start_ups[1]),
        ("all else", None, all_else),
        (NEITHER, None, sum(start_ups) + all_else),
    ]
    table = pd.DataFrame(parts, columns=["part", "jobs", "seconds"]).astype({"jobs": "Int64"})
    return table.assign(share=table["seconds"] / total, goal=table["part"].map({NEITHER: GOAL}))


def _job_seconds(benchmarks: Path, run: WorkflowRun) -> dict[Path, float]:
    """Return the seconds of each job that ended during ``run``, by the path of its training run."""
    begin, end = run.start.timestamp(), (run.start + run.elapsed).timestamp()
    files = [path for path in benchmarks.rglob("*.tsv") if begin <= path.stat().st_mtime <= end]
    return {path.relative_to(benchmarks).with_suffix(""): float(pd.read_csv(path, sep="\t")["s"].sum()) for path in files}


def _wall_seconds(run: Path) -> float:
    return float(json.loads((run / "run.json").read_text())["wall_seconds"])


def _evaluated_seconds(log: Path) -> float:
    found = EVALUATED.findall(log.read_text()) if log.is_file() else []
    return float(found[-1]) if found else math.nan


if __name__ == "__main__":
    main(Path(*sys.argv[1:]))
