"""What Snakemake would do."""

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
        rule: its name.
        benchmark: where its time will be written, None for a rule that is not timed.
        gpu: whether it asks for one.
    """

    rule: str
    benchmark: Path | None
    gpu: bool


class _Collector(logging.Handler):
    """Keeps what Snakemake says of each job."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []

    def emit(self, record: Any) -> None:
        if get_event(record) == LogEvent.JOB_INFO and record.output:  # a target without a file is no work
            benchmark = Path(record.benchmark) if record.benchmark else None
            self.jobs.append(Job(record.rule_name, benchmark, record.resources.get("gpu", 0) > 0))


def jobs_of(snakefile: Path, configuration: Path) -> list[Job]:
    """Return every job of a dry run in the current folder: what is there already is not done again.

    Raises:
        InputError: Snakemake refuses, for the reason that it has then printed.
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
