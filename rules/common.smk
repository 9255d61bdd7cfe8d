# The checked configuration, and the functions that all rules share.
import sys
import time
from functools import cache

from snakemake.logging import is_quiet_about, logger

try:
    from align import paths
except ModuleNotFoundError as error:
    if error.name != "align":
        raise
    raise SystemExit(
        f"{sys.executable}: found no library `align` beside Snakemake, expected the environment of this workflow; in a clone of "
        "its repository, run `make install` and `. .venv/bin/activate`, or `pip install .`; then run again"
    ) from None
from align.configuration.doubled_keys import require_single_keys
from align.configuration.loading import load
from align.configuration.run import Run
from align.errors import InputError
from align.files import require_no_braces, require_room, require_working_folder, value_hash
from align.interruptions import announce_interruptions
from align.models.weights_file import require_weights_file
from align.training.finished import forget_finished
from align.versioning.repository import require_repository
from align.workflow.code_hashes import code_hash
from align.workflow.configured import (
    configuration_name,
    former_results,
    record_configuration,
    require_own_folder,
    require_present_names,
)
from align.workflow.content import annotations_content, content_hash, images_content
from align.workflow.gpus import gpu_is_visible
from align.workflow.home import require_own_paths, workflow_folder
from align.workflow.initial_weights import check_initial_weights
from align.workflow.inputs import prepare_inputs
from align.workflow.locks import release_stale_locks
from align.workflow.run_plan import RunPlan

IS_MODULE = not workflow.modifier.is_main_snakefile()
OWN_RULES = workflow.modifier.rules  # without those of a workflow that uses this one as a module

try:
    HOME = workflow_folder(workflow.current_basedir, Path(".snakemake/workflows"))
    require_no_braces("the folder of the Snakefile", HOME)
    require_own_paths(workflow.modifier.path_modifier.replace_prefix)
    for file in workflow.configfiles:
        require_single_keys(Path(file))
    if not config:
        raise InputError(
            "found no configuration, expected one; name it: snakemake [TARGET] … --configfile FILE; a module needs `config: config`"
        )
    PLAN = RunPlan(load(config, ", ".join(map(str, workflow.configfiles)) or "the configuration"))
    CONFIGFILES = [] if PLAN.configuration.results else list(map(Path, workflow.configfiles))
    NAME = configuration_name(PLAN.configuration.results, CONFIGFILES)
    config["results"] = NAME  # for a Snakemake that a job starts with another file
    if workflow.is_main_process:
        require_own_folder(NAME, CONFIGFILES)
        require_present_names(sys.argv[1:], NAME)
        require_room(Path("."))
        require_working_folder(Path())
        if not IS_MODULE:  # locks in the folder of another workflow may be that workflow's
            release_stale_locks(Path(".snakemake"))
        for weights in PLAN.weights_files():
            require_weights_file(Path(weights))
        for warning in PLAN.warnings:
            logger.warning(warning)
        if former := former_results():
            logger.warning(
                f"results/ has {len(former)} files and folders of an earlier layout, such as {former[0]}: they are neither used nor "
                "changed, see docs/reliability.md; remove them when you need them no more"
            )
except InputError as error:
    raise SystemExit(str(error)) from None  # to the text of any other exception, Snakemake adds a line of this file

CONFIGURATION, SETTINGS = PLAN.configuration, PLAN.settings  # SETTINGS is for lookup()
DATASETS, RUNS, PLACES = PLAN.datasets, PLAN.runs, PLAN.places
# With `auto`, a job also asks for a GPU that is there. Otherwise a job on every core would use the GPU at once, despite the
# profile's limit.
GPU = int(CONFIGURATION.device == "cuda" or (CONFIGURATION.device == "auto" and gpu_is_visible()))
ENVIRONMENT = "../envs/align.yaml"
SCRIPTS = HOME / "workflow_scripts"


wildcard_constraints:
    **{key: "|".join(map(re.escape, values)) for key, values in PLACES.keys(RUNS).items()},
    dataset="|".join(map(re.escape, DATASETS)),
    domain="|".join(re.escape(domain) for dataset in DATASETS.values() for domain in dataset.domains),
    method="|".join(map(re.escape, PLAN.variants)),
    seed=r"\d+",


def configured(pattern, **names):
    """Return ``pattern`` for this configuration, with ``names`` filled in. Other names in braces stay."""
    for name, value in {"configuration": NAME, **names}.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern


def configured_log(job):
    """Return the log file of a job of this configuration alone."""
    return configured(paths.CONFIGURED_LOG, job=job)


READ_FIRST = configured(paths.RESULTS_PAGE)  # what a person opens: the last line of a whole run names it


def run_of(wildcards):
    """Return the job's run."""
    return Run(*(wildcards[name] for name in Run._fields))


def own_file(path):
    """Return a file of this workflow. Its path is relative, so that nothing is made again in a copy of the whole folder."""
    return os.path.relpath(HOME / path)


def checked(wildcards):
    """Return files that every target asks for. So data that failed its check is checked again, even if later files exist."""
    return per_dataset(paths.MANIFEST, paths.COUNTS)(wildcards)


def every_ground_truth(pattern):
    """Return an input function: ``pattern`` for every domain with ground truth, of every data set."""
    return lambda wildcards: [path for name in DATASETS for path in PLAN.ground_truth_files(pattern, name)]


def hashed(name, value):
    """Return two params: ``value``, which may be a params function, and its hash. Snakemake compares and prints the hash only."""
    valued = value if callable(value) else lambda wildcards: value
    return {
        name: lambda wildcards, output: valued(wildcards),  # a param that depends on `output` is not compared
        f"{name}_hash": lambda wildcards: value_hash(repr(valued(wildcards))),  # of the text, in which the order counts, too
    }


def cost(memory=1000, minutes=10, **others):
    """Return the resources of a rule: MB of memory and minutes of the first attempt. Each further attempt adds as much again."""
    return {"mem_mb": per_attempt(memory), "runtime": per_attempt(minutes)} | others


def per_attempt(amount):
    """Return a resources function. A job may have failed for lack of memory or time, so each attempt gets more."""
    return lambda wildcards, attempt: amount * attempt


def per_run(pattern, runs=RUNS):
    """Return an input function: ``pattern`` for every run. Names in the path of an input may not be read as wildcards."""
    return lambda wildcards: PLACES.runs(pattern, runs)


def per_dataset(*patterns):
    """Return an input function: ``patterns`` for every data set."""
    return lambda wildcards: [PLACES.dataset(pattern, name) for pattern in patterns for name in DATASETS]


def every_image(wildcards):
    """Return the packed images of every domain of every data set."""
    return [path for name, dataset in DATASETS.items() for path in PLACES.domains(paths.IMAGES, name, dataset.domains)]


def per_job_dataset(pattern):
    """Return an input function: ``pattern`` for the job's data set."""
    return lambda wildcards: PLACES.dataset(pattern, wildcards.dataset)


def per_domain(pattern):
    """Return an input function: ``pattern`` for every domain of the job's data set."""
    return lambda wildcards: PLACES.domains(pattern, wildcards.dataset, DATASETS[wildcards.dataset].domains)


def ground_truth_files(pattern):
    """Return an input function: ``pattern`` for every domain of the job's data set. Empty if it has no ground truth."""
    return lambda wildcards: PLAN.ground_truth_files(pattern, wildcards.dataset)


def per_source_domain(pattern):
    """Return an input function: ``pattern`` for every domain that the job's run is trained on."""
    return lambda wildcards: PLACES.domains(pattern, wildcards.dataset, PLAN.source_domains(run_of(wildcards)))


def dataset_setting(key):
    """Return a params function: the setting ``key`` of the job's data set."""
    # lookup() with a wildcard would walk through all of SETTINGS for each of a thousand jobs.
    return lambda wildcards: SETTINGS["datasets"][wildcards.dataset][key]


def run_settings(wildcards):
    """Return the settings of the job's run."""
    return PLAN.run_settings(run_of(wildcards))


def run_code(wildcards):
    """Return what the job loads by name for its run."""
    return PLAN.run_code(run_of(wildcards))


def dataset_root(wildcards):
    """Return the folder of the job's data set. Its time counts only if a rule makes it; otherwise folder_content counts.

    A folder of the user's whose path has braces cannot be named, for they would be wildcards. Its content counts all the same.
    """
    root = str(DATASETS[wildcards.dataset].root)
    if root in {str(dataset.root) for dataset in PLAN.to_make.values()}:
        return root
    return [] if {"{", "}"} & set(root) else ancient(root)


def folder_content(wildcards):
    """Return a hash of the user's images."""
    return images_content(wildcards.dataset, DATASETS[wildcards.dataset], workflow.is_main_process)


def annotation_entries(key):
    """Return a params function: the entries of the job's data set under ``key``, ground_truth or guiding_masks."""
    return lambda wildcards: PLAN.annotation_entries(wildcards.dataset, key)


def annotation_files_content(key):
    """Return a params function: a hash of the user's files of the job's domain by the entries under ``key``."""
    return lambda wildcards: annotations_content(
        wildcards.dataset, DATASETS[wildcards.dataset], key, wildcards.domain, workflow.is_main_process
    )


def file_content(name, files):
    """Return a hash of the user's files, None if there are none."""
    return content_hash(name, Path(), files, workflow.is_main_process) if files else None


def published_name(wildcards):
    """Return the name under which the numbers of images of the job's data set are published. None if they are not."""
    return DATASETS[wildcards.dataset].published_as(wildcards.dataset)


def answers_in_a_dry_run(wildcards, output):
    """Return which addresses of the job's archive answer now. Nothing if the job runs, nobody reads it, or its archive is there."""
    # A param that depends on `output` is not compared with that of the last run.
    is_there = any(Path(path).exists() for path in (output[0], Path(output[0]).with_suffix("")))
    if is_there or not workflow.dryrun or is_quiet("rules"):
        return ""
    said = asked_addresses().get(wildcards.archive)
    return f" from the first of these addresses that gives it\n{said}" if said else ""


@cache
def asked_addresses():
    """Return what the addresses of all planned downloads say, by archive. They are asked once, at the same time."""
    from align.acquisition.answers import ask, said

    planned = {path: [mirror[:2] for mirror in download.mirrors] for path, download in PLAN.downloads.items() if download.mirrors}
    return {archive: said({archive: answers}) for archive, answers in ask(planned).items()}


def published_listing(name):
    """Return an input function: a listing of the data set of the job's run, as it was published."""
    return lambda wildcards: ancient(f"{CONFIGURATION.checkpoints.folder}/{wildcards.run.split('/')[0]}/{name}")


def own_listing(pattern):
    """Return an input function: a listing of the data set of the job's run."""
    return lambda wildcards: PLACES.dataset(pattern, wildcards.run.split("/")[0])


def is_quiet(kind):
    """Return whether this call leaves out a kind of Snakemake's lines, such as `rules`. Without a profile, it leaves out none."""
    return is_quiet_about(workflow.output_settings.quiet or (), kind)


def is_asked_for(path):
    """Return whether ``path`` is a target of this call, or a target needs it."""
    return any(path in job.output for job in workflow.dag.jobs)


def in_repository(path):
    """Return ``path`` if git and DVC can version it. Otherwise end with the reason."""
    try:
        require_repository(Path.cwd())
    except InputError as error:
        raise SystemExit(str(error)) from None
    return path


def rule_code(script, loads):
    """Return the hash of a rule's code. If ``loads`` is a params function, return a params function."""
    if callable(loads):
        return lambda wildcards: code_hash(script, *loads(wildcards))
    return code_hash(script, *loads)


onstart:
    announce_interruptions()
    # This check comes before the first job. Snakemake removes the outputs of a job when the job starts, so a wrong input that is
    # found only then would cost them.
    try:
        prepare_inputs(workflow.dag.needrun_jobs(), time.time())
        check_initial_weights(workflow.dag.needrun_jobs(), PLAN.weights_files())
        record_configuration(NAME, CONFIGFILES, SETTINGS)
    except InputError as error:
        raise SystemExit(str(error)) from None


# When Snakemake ends, it has recorded all finished runs, so their copies can go. A killed Snakemake does not come here.
onsuccess:
    forget_finished()
    if is_asked_for(READ_FIRST) and not is_quiet("all"):
        from align.workflow.ending import announce_results  # it imports pandas, for which no parse has time

        announce_results(configured(paths.VERDICT, kind="csv"), PLACES.runs(paths.ACCOUNT, RUNS), READ_FIRST)


onerror:
    forget_finished()
