"""A job's script outside of Snakemake: for a debugger, a profiler or a notebook."""

import runpy
from pathlib import Path
from typing import Any

from snakemake.api import SnakemakeApi
from snakemake.iocontainers import Snakemake
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings, StorageSettings

from align.errors import InputError

CONFIGURATION = Path("config/config.yaml")
SHOWN_JOBS = 5


def script_object(rule: str, configuration: Path | str = CONFIGURATION, **wildcards: str) -> Any:
    """Return the object ``snakemake`` that the script of a rule is given. The working directory is that of the Snakefile.

    The object is Snakemake's own, from a dry run of that job.

    Args:
        rule: name of the rule.
        configuration: the configuration file.
        **wildcards: values of the rule's wildcards. Those that are left out, such as keys of settings, may have any value.

    Raises:
        InputError: the configuration asks for no such job.
    """
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        parsed = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[Path(configuration)]),
            storage_settings=StorageSettings(),
            snakefile=Path("Snakefile"),
        )
        parsed.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun")
        workflow = parsed._workflow
        found = [job for job in workflow.dag.jobs if job.rule.name == rule]
        for job in found:
            if wildcards.items() <= job.wildcards_dict.items():
                return _script_object(job)
    known = "\n".join(f"  {dict(job.wildcards_dict)}" for job in found[:SHOWN_JOBS]) or "  none"
    raise InputError(
        f"{configuration}: found no job of rule {rule!r} with wildcards {wildcards}; its jobs have, for example:\n{known}"
    )


def run_script(rule: str, configuration: Path | str = CONFIGURATION, **wildcards: str) -> None:
    """Run the script of a rule in this process, where breakpoints hold.

    The input files must be there: make them first with ``snakemake --until`` the rule before.

    Args:
        rule: name of the rule.
        configuration: the configuration file.
        **wildcards: values of the rule's wildcards.

    Raises:
        InputError: see :func:`script_object`.
    """
    snakemake = script_object(rule, configuration, **wildcards)
    runpy.run_path(str(snakemake.scriptdir / snakemake.script_name), {"snakemake": snakemake})


class ScriptObject(Snakemake):
    """Snakemake's object, and the name of the script that it is for."""

    script_name = ""


def _script_object(job: Any) -> ScriptObject:
    script = Path(job.rule.basedir.get_path_or_uri(secret_free=True), job.rule.script).resolve()
    given = (job.input, job.output, job.params, job.wildcards, job.threads, job.resources, job.log)
    snakemake = ScriptObject(*given, job.rule.workflow.config, job.rule.name, None, script.parent)
    snakemake.script_name = script.name
    return snakemake
