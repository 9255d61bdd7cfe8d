"""What of a finished run of the workflow is neither training nor evaluation: ``python -m benchmarks.overhead <folder>``.

The folder is one in which ``make reproduce`` has made everything anew, such as a fresh checkout.
"""

import json
import math
import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd

GOAL = 0.15  # share of the cores' time, at most
NEITHER = "neither training nor evaluation"  # the starts of their jobs, and all else
LOG = re.compile(r"^Provided cores: (?P<cores>\d+)$.*^Elapsed time: (?P<elapsed>[^\n]+)$", re.MULTILINE | re.DOTALL)
EVALUATED = re.compile(r"done in ([\d.]+) s")
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
    shown = table.astype({"jobs": object, "goal": object}).fillna({"jobs": "", "goal": ""})
    print(shown.to_string(index=False, na_rep="not known", float_format="{:.4g}".format))


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

    ``training`` and ``evaluation`` are what these themselves took, by their own accounts: ``run.json`` and the log. The
    ``start-up`` is what is left of their jobs: Python, imports, reading and hashing of the data, and what is written. ``all
    else`` is all other jobs, Snakemake itself, and cores that wait. Jobs of other calls of Snakemake do not count. What no
    account says is not known (NaN), and neither is a sum with it.
    """
    total = run.cores * run.elapsed.total_seconds()
    jobs = {step: _job_seconds(folder / "results/benchmarks" / step, run) for step in ("train", "evaluate")}
    trained = [_wall_seconds(folder / "results/runs" / path) for path in jobs["train"]]
    evaluated = [_evaluated_seconds(folder / "results/logs/evaluate" / f"{path}.log") for path in jobs["evaluate"]]
    of_training, of_evaluation = (sum(seconds.values()) for seconds in jobs.values())
    starts = of_training - sum(trained), of_evaluation - sum(evaluated)
    else_ = total - of_training - of_evaluation
    parts = [
        ("training", len(trained), sum(trained)),
        ("start-up of training", len(trained), starts[0]),
        ("evaluation", len(evaluated), sum(evaluated)),
        ("start-up of evaluation", len(evaluated), starts[1]),
        ("all else", None, else_),
        (NEITHER, None, sum(starts) + else_),
    ]
    table = pd.DataFrame(parts, columns=["part", "jobs", "seconds"]).astype({"jobs": "Int64"})
    return table.assign(share=table["seconds"] / total, goal=table["part"].map({NEITHER: GOAL}))


def _job_seconds(benchmarks: Path, run: WorkflowRun) -> dict[Path, float]:
    """Return the seconds of each job that ended during ``run``, by the path of the training run that it is of."""
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
