"""The jobs of a configuration and their expected hours, as text: what ``align plan`` prints."""

from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from align.configuration.loading import load
from align.configuration.schema import Configuration
from align.errors import InputError
from align.planning.estimates import NOT_MEASURED, Estimate, Estimator, by_finished_jobs, plan, totals
from align.planning.finished_jobs import benchmarked_run, read_finished_jobs
from align.planning.jobs import Job, dry_run_jobs
from align.planning.throughput import by_throughput, read_throughput
from align.planning.work import Work, planned_evaluation, planned_training, split_sizes

COUNTS = Path("reference/dataset_counts.csv")
DEVICES = {True: "jobs that ask for a GPU", False: "jobs that ask for none"}
SHORTEST = 1 / 60  # hours, below which two digits would say too little
PLANNED = {"train_run": planned_training, "evaluate_run": planned_evaluation}
BY_THROUGHPUT = """\
Every epoch of ALIGN counts as a guided one, the warm-up too. The estimate leaves out the steps that train only the masker,
the start-up of jobs, and all other jobs. If a data set is not split yet, the estimate takes the published number of images
of each domain. If only the total is published, it divides the total evenly among the domains. precision: auto stands for
bfloat16 where the benchmark could measure it, so the runs must be trained on such a device."""


def plan_report(configuration_file: Path, measured: Path) -> str:
    """Return the jobs that Snakemake would start in this folder, and what they are expected to take.

    Args:
        configuration_file: a YAML file.
        measured: a folder of results with the benchmark files of finished jobs, or a CSV of ``make bench``.

    Raises:
        InputError: the configuration or the measurements cannot be used.
    """
    configuration = load(_content(configuration_file), str(configuration_file))
    estimate, basis = _estimator(measured, configuration)
    jobs = dry_run_jobs(Path("Snakefile"), configuration_file)

    @cache
    def sizes(dataset: str) -> pd.DataFrame:
        return split_sizes(dataset, configuration, COUNTS)

    def planned_work(job: Job) -> Work | None:
        run = benchmarked_run(job.benchmark) if job.benchmark and job.rule in PLANNED else None
        return PLANNED[job.rule](run, configuration, sizes(run.dataset)) if run else None

    table = plan(jobs, [planned_work(job) for job in jobs], estimate)
    if table.empty:
        return f"{configuration_file}: nothing to do"
    lines = [
        table.drop(columns="gpu").to_string(index=False, na_rep="", float_format="{:.2f}".format),
        "",
        f"Expected time if one job runs after the other, {basis}:",
        *(f"  {DEVICES[bool(gpu)]}: {expected_time(row)}" for gpu, row in totals(table).iterrows()),
        *([BY_THROUGHPUT] if measured.is_file() else []),
    ]
    return "\n".join(lines)


def expected_time(row: pd.Series) -> str:
    """Return what is known of the jobs of a row of :func:`align.planning.estimates.totals`, in words."""
    jobs, not_measured = int(row.jobs), int(row.not_measured)
    if not_measured == jobs:
        return f"unknown; none of {jobs} was measured"
    hours = f"{row.hours:.2f} hours" if row.hours >= SHORTEST else "less than a minute"
    return f"{hours} for {jobs - not_measured}" + (f", unknown for {not_measured} that were not measured" if not_measured else "")


def _estimator(measured: Path, configuration: Configuration) -> tuple[Estimator, str]:
    """Return a function that estimates jobs from ``measured``, a folder or a CSV, and the words that tell on what it rests."""
    if measured.is_file():
        rates = read_throughput(measured)
        devices = ", ".join(rates["device"].unique())
        estimate = partial(by_throughput, rates=rates, configuration=configuration)
        return estimate, f"estimated from the images per second in {measured} ({devices})"
    finished = read_finished_jobs(measured)
    if not finished:
        return lambda kind, work: Estimate(None, NOT_MEASURED), (
            f"of which nothing can be estimated, because {measured} has no benchmark files of finished jobs; name a folder of "
            "results or a CSV of `make bench`"
        )
    trained = sorted({job.trained_in for job in finished if job.trained_in})
    basis = f"estimated from the benchmark files in {measured}" + (f" (trained in {', '.join(trained)})" if trained else "")
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
