"""The jobs that Snakemake would run."""

import logging
from pathlib import Path
from typing import Any, NamedTuple

from snakemake.api import SnakemakeApi
from snakemake.logging import get_event, logger
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, OutputSettings, ResourceSettings, StorageSettings
from snakemake_interface_logger_plugins.common import LogEvent

from align.errors import InputError


class Job(NamedTuple):
    """A job of a rule.

    Attributes:
        rule: the name of the rule.
        benchmark: the file for the job's time. None if the rule is not timed.
        gpu: whether the job asks for a GPU.
    """

    rule: str
    benchmark: Path | None
    gpu: bool


class _Collector(logging.Handler):
    """Collects the jobs that Snakemake logs."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def emit(self, record: Any) -> None:
        if get_event(record) == LogEvent.JOB_INFO and record.output:  # a target without a file takes no time
            benchmark = Path(record.benchmark) if record.benchmark else None
            self.jobs.append(Job(record.rule_name, benchmark, record.resources.get("gpu", 0) > 0))


def dry_run_jobs(snakefile: Path, configuration: Path) -> list[Job]:
    """Return every job of a dry run in the current folder. Jobs whose outputs are there already are not among them.

    Raises:
        InputError: Snakemake refuses the configuration. It has printed the reason.
    """
    collector = _Collector()
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        logger.addHandler(collector)
        try:
            workflow = api.workflow(
                resource_settings=ResourceSettings(cores=1),
                config_settings=ConfigSettings(configfiles=[configuration]),
                storage_settings=StorageSettings(),
                snakefile=snakefile,
            )
            workflow.dag().execute_workflow(executor="dryrun")
        except Exception as error:
            api.print_exception(error)
            raise InputError(f"{configuration}: Snakemake cannot plan it, for the reason above") from None
        finally:
            logger.removeHandler(collector)
    return collector.jobs
