"""What of a finished run of the workflow is neither training nor evaluation: ``python -m benchmarks.overhead <folder>``.

The folder is one in which ``make reproduce`` has made everything anew, such as a fresh checkout.
"""

import json
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

GOAL = 0.15  # share of the cores' time that is neither training nor evaluation
STEPS = ("train", "evaluate")
LOG = re.compile(r"^Provided cores: (?P<cores>\d+)$.*^Elapsed time: (?P<elapsed>[^\n]+)$", re.MULTILINE | re.DOTALL)
LOG_NAME = "%Y-%m-%dT%H%M%S.%f.snakemake.log"  # when it began


class WorkflowRun(NamedTuple):
    """One call of Snakemake that came to its end."""

    start: datetime
    elapsed: timedelta
    cores: int


def main(folder: Path) -> None:
    run = longest_run(folder)
    table = overhead(folder, run)
    print(f"{folder}: {run.elapsed.total_seconds():.0f} s on {run.cores} cores")
    print(table.to_string(index=False, na_rep="", float_format="%.3g"))


def longest_run(folder: Path) -> WorkflowRun:
    """Return the longest call of Snakemake in ``folder`` by the logs that it keeps: not a dry run or one that jobs have made.

    Raises:
        SystemExit: no log says what is needed.
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
    """Return where the cores' time went: columns part, jobs, seconds (of one core), share, goal.

    ``training`` and ``evaluation`` are their jobs from start to end. ``start-up of training``, part of ``training``, is what the
    runs' own accounts leave of it: Python, imports, reading and hashing of the data. ``all else`` is all other jobs, Snakemake
    itself, and cores that wait. Jobs of other calls of Snakemake do not count.
    """
    total = run.cores * run.elapsed.total_seconds()
    seconds = {step: _job_seconds(folder / "results/benchmarks" / step, run) for step in STEPS}
    trained, evaluated = (seconds[step] for step in STEPS)
    start_up = sum(job - _wall_seconds(folder / "results/runs" / path) for path, job in trained.items())
    parts = [
        ("training", len(trained), sum(trained.values())),
        ("start-up of training", len(trained), start_up),
        ("evaluation", len(evaluated), sum(evaluated.values())),
        ("all else", None, total - sum(trained.values()) - sum(evaluated.values())),
    ]
    table = pd.DataFrame(parts, columns=["part", "jobs", "seconds"])
    return table.assign(share=table["seconds"] / total, goal=table["part"].map({"all else": GOAL}))


def _job_seconds(benchmarks: Path, run: WorkflowRun) -> dict[Path, float]:
    """Return the seconds of each job that ended during ``run``, by the path of the training run that it is of."""
    begin, end = run.start.timestamp(), (run.start + run.elapsed).timestamp()
    files = [path for path in benchmarks.rglob("*.tsv") if begin <= path.stat().st_mtime <= end]
    return {path.relative_to(benchmarks).with_suffix(""): float(pd.read_csv(path, sep="\t")["s"].sum()) for path in files}


def _wall_seconds(run: Path) -> float:
    return float(json.loads((run / "run.json").read_text())["wall_seconds"])


if __name__ == "__main__":
    main(Path(*sys.argv[1:]))
