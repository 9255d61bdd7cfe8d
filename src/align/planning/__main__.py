"""Print the jobs of a configuration and their expected hours: ``python -m align.planning config/paper.yaml results``."""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from align.configuration.loading import load
from align.errors import InputError
from align.planning.estimates import plan, totals
from align.planning.jobs import Job, jobs_of
from align.planning.measured import read_measured, run_of
from align.planning.work import Work, planned_work

COUNTS = Path("reference/dataset_counts.csv")
DEVICES = {True: "jobs that ask for a GPU", False: "all other jobs"}


def main() -> None:
    """Plan one configuration in the folder of the Snakefile."""
    parser = argparse.ArgumentParser(prog="python -m align.planning", description=__doc__)
    parser.add_argument("configuration", type=Path, help="a YAML file")
    parser.add_argument("measured", type=Path, help="a folder of results, whose benchmark files say what jobs took")
    arguments = parser.parse_args()
    try:
        configuration = load(_content(arguments.configuration), str(arguments.configuration))
        jobs = jobs_of(Path("Snakefile"), arguments.configuration)

        def work_of(job: Job) -> Work | None:
            run = run_of(job.benchmark) if job.benchmark and job.rule == "train_run" else None
            return planned_work(run, configuration, COUNTS) if run else None

        table = plan(jobs, [work_of(job) for job in jobs], read_measured(arguments.measured))
    except InputError as error:
        sys.exit(str(error))
    if table.empty:
        print(f"{arguments.configuration}: nothing to do")
        return
    print(table.drop(columns="gpu").to_string(index=False, na_rep="", float_format="{:.2f}".format))
    print(f"\nExpected, one job after the other, by the benchmark files in {arguments.measured}:")
    for gpu, row in totals(table).iterrows():
        print(f"  {DEVICES[bool(gpu)]}: {row.hours:.2f} hours for {row.jobs:.0f}, {row.not_measured:.0f} of them not measured")


def _content(path: Path) -> dict[str, Any]:
    """Return what a YAML file holds."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: found no YAML that can be read ({error}), expected a configuration; correct that") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {content!r}, expected a configuration with datasets and experiments; correct the file")
    return content


if __name__ == "__main__":
    main()
