"""Print the jobs of a configuration and their expected hours: ``python -m align.planning config/paper.yaml results``."""

import argparse
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from align.configuration.loading import load
from align.configuration.schema import Configuration
from align.errors import InputError
from align.planning.estimates import Estimator, by_finished_jobs, plan, totals
from align.planning.finished_jobs import benchmarked_run, read_finished_jobs
from align.planning.jobs import Job, dry_run_jobs
from align.planning.throughput import by_throughput, read_throughput
from align.planning.work import Work, planned_evaluation, planned_training, split_sizes

COUNTS = Path("reference/dataset_counts.csv")
DEVICES = {True: "jobs that ask for a GPU", False: "jobs that ask for none"}
PLANNED = {"train_run": planned_training, "evaluate_run": planned_evaluation}
BY_THROUGHPUT = """\
Every epoch of ALIGN counts as a guided one, the warm-up too. The estimate leaves out the steps that train only the masker,
the start-up of jobs, and all other jobs. If a data set is not split yet, the estimate takes the published number of images
of each domain. If only the total is published, it divides the total evenly among the domains. precision: auto stands for
bfloat16 where the benchmark could measure it, so the runs must be trained on such a device."""


def main() -> None:
    """Plan one configuration in the folder of the Snakefile."""
    parser = argparse.ArgumentParser(prog="python -m align.planning", description=__doc__)
    parser.add_argument("configuration", type=Path, help="a YAML file")
    parser.add_argument(
        "measured", type=Path, help="a folder of results with the benchmark files of finished jobs, or a CSV of `make bench`"
    )
    arguments = parser.parse_args()
    try:
        configuration = load(_content(arguments.configuration), str(arguments.configuration))
        estimate, basis = _estimator(arguments.measured, configuration)
        jobs = dry_run_jobs(Path("Snakefile"), arguments.configuration)

        @cache
        def sizes(dataset: str) -> pd.DataFrame:
            return split_sizes(dataset, configuration, COUNTS)

        def planned_work(job: Job) -> Work | None:
            run = benchmarked_run(job.benchmark) if job.benchmark and job.rule in PLANNED else None
            return PLANNED[job.rule](run, configuration, sizes(run.dataset)) if run else None

        table = plan(jobs, [planned_work(job) for job in jobs], estimate)
    except InputError as error:
        sys.exit(str(error))
    if table.empty:
        print(f"{arguments.configuration}: nothing to do")
        return
    print(table.drop(columns="gpu").to_string(index=False, na_rep="", float_format="{:.2f}".format))
    print(f"\nExpected time if one job runs after the other, estimated from {basis}:")
    for gpu, row in totals(table).iterrows():
        print(f"  {DEVICES[bool(gpu)]}: {row.hours:.2f} hours for {row.jobs:.0f}, {row.not_measured:.0f} of them not measured")
    if arguments.measured.is_file():
        print(BY_THROUGHPUT)


def _estimator(measured: Path, configuration: Configuration) -> tuple[Estimator, str]:
    """Return a function that estimates jobs from ``measured``, a folder or a CSV, and the words that name its source."""
    if measured.is_file():
        rates = read_throughput(measured)
        devices = ", ".join(rates["device"].unique())
        estimate = partial(by_throughput, rates=rates, configuration=configuration)
        return estimate, f"the images per second in {measured} ({devices})"
    finished = read_finished_jobs(measured)
    if not finished:
        print(
            f"{measured}: found no benchmark files of finished jobs, expected a folder of results or a CSV of `make bench`; "
            "nothing can be estimated",
            file=sys.stderr,
        )
    trained = sorted({job.trained_in for job in finished if job.trained_in})
    basis = f"the benchmark files in {measured}" + (f" (trained in {', '.join(trained)})" if trained else "")
    return partial(by_finished_jobs, finished=finished), basis


def _content(path: Path) -> dict[str, Any]:
    """Return the content of a YAML file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: found no readable YAML ({error}), expected a configuration; correct the file") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: found {content!r}, expected a configuration with datasets and experiments; correct the file")
    return content


if __name__ == "__main__":
    main()
