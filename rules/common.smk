# The checked configuration and the helpers that all rules share.
import time

from align.workflow.acquisition import datasets_to_make, downloads_of
from align.workflow.locks import join
from align.configuration.loading import load
from align.configuration.runs import Run, left_out, source_domains, studies_of, teacher_of, variants_of
from align.datasets import SOURCES
from align.datasets.folders import folder_fingerprint
from align.errors import InputError
from align.files import require_room, require_writable
from align.workflow.gpus import gpu_is_visible
from align.workflow.inputs import prepare_inputs
from align.workflow.provenance import code_hash
from align.registry import module_of
from align.segmentation.checkpoint import checkpoint_files
from align.versioning.agreement import taken_runs
from align.versioning.repository import require_repository
from align.workflow.jobs import method_code

try:
    CONFIGURATION = load(config, ", ".join(map(str, workflow.configfiles)) or "the configuration")
    STUDIES = studies_of(CONFIGURATION)  # every run, with the studies that it is part of
    LEFT_OUT = left_out(CONFIGURATION)
    RUNS = list(STUDIES)
    DATASETS = {name: CONFIGURATION.datasets[name] for name in dict.fromkeys(run.dataset for run in RUNS)}
    TO_MAKE = datasets_to_make(DATASETS)
    SEGMENT_ANYTHING = CONFIGURATION.segment_anything.checkpoint
    SAM_FILES = checkpoint_files(SEGMENT_ANYTHING) if SEGMENT_ANYTHING else []
    TAKEN = dict.fromkeys(taken_runs(CONFIGURATION))  # runs whose published checkpoint takes the place of training
    if workflow.is_main_process:
        require_room(Path("."))
        require_writable(Path("results"))
        join(Path(".snakemake"))
except InputError as error:
    raise SystemExit(str(error)) from None  # to any other exception Snakemake adds a place in this file

TRAINED = [run for run in RUNS if run not in TAKEN]
SETTINGS = CONFIGURATION.model_dump(mode="json")  # for lookup(): every value, defaults included
ROOTS = {name: str(dataset.root) for name, dataset in DATASETS.items()}
MADE = {name: dataset for name, dataset in DATASETS.items() if dataset.source}
ARCHIVES = {name: downloads_of(name, made) for name, made in TO_MAKE.items()}
DOWNLOADS = {path: download for archives in ARCHIVES.values() for path, download in archives.values()}
TRUTHS = {name: [str(truth.folder) for truth in dataset.ground_truth] for name, dataset in DATASETS.items()}
HYPER_PARAMETERS = variants_of(CONFIGURATION)
VARIANTS = {name: settings.model_dump(mode="json") for name, settings in HYPER_PARAMETERS.items()}
WEIGHTS = [path for path in [CONFIGURATION.classifier.weights] if path and Path(path).is_file()]  # absent: the job says so
COUNTS = Path(workflow.basedir, "reference/dataset_counts.csv")
# Named by every target: what failed its check is then asked for again, though all that was made of it before still stands.
CHECKED = expand("results/data/{dataset}/{listing}.csv", dataset=DATASETS, listing=["manifest", "counts"])
# With `auto` too: else a job per core would take the GPU at once, whatever the profile's cap says.
GPU = int(CONFIGURATION.device == "cuda" or (CONFIGURATION.device == "auto" and gpu_is_visible()))
ENVIRONMENT = "../envs/align.yaml"


wildcard_constraints:
    dataset="|".join(map(re.escape, DATASETS)),
    domain="|".join(re.escape(domain) for dataset in DATASETS.values() for domain in dataset.domains),
    method="|".join(map(re.escape, VARIANTS)),
    seed=r"\d+",


def per_attempt(amount):
    """Return a resources function: so much more at each attempt, since what failed may have had too little memory or time."""
    return lambda wildcards, attempt: amount * attempt


def of_runs(pattern):
    """Return one path per run; ``pattern`` has {run.path}."""
    return [pattern.format(run=run) for run in RUNS]


def of_domains(pattern):
    """Return an input function: one path per domain of the rule's data set; ``pattern`` has {dataset} and {domain}."""
    return lambda wildcards: _each(pattern, wildcards.dataset, DATASETS[wildcards.dataset].domains)


def _each(pattern, dataset, domains):
    return [pattern.format(dataset=dataset, domain=domain) for domain in domains]


def of_dataset(key):
    """Return a params function: the setting ``key`` of the job's data set."""
    # lookup() with a wildcard walks through all of SETTINGS, for each of a thousand jobs.
    return lambda wildcards: SETTINGS["datasets"][wildcards.dataset][key]


def hyper_parameters_of(wildcards):
    """Return the hyper-parameters of the job's method."""
    return VARIANTS[wildcards.method]


def sources_of(wildcards):
    """Return the domains that the run of a job is trained on."""
    run = Run(wildcards.dataset, wildcards.protocol, wildcards.domain, wildcards.method, wildcards.seed)
    return list(source_domains(CONFIGURATION, run))


def of_sources(pattern):
    """Return an input function: one path per source domain of the job's run; ``pattern`` has {dataset} and {domain}."""
    return lambda wildcards: _each(pattern, wildcards.dataset, sources_of(wildcards))


def given_masks(domains):
    """Return an input function: where the masks that the job's method asks for are, beside those of the data set.

    ``domains`` gives the domains of a job. Learned masks are made by the checkpoint of a finished run.
    """

    def given(wildcards):
        kind = HYPER_PARAMETERS[wildcards.method].given_masks
        if kind == "sam":
            return _each("results/data/{dataset}/{domain}.sam.npy", wildcards.dataset, domains(wildcards))
        if kind == "learned":
            teacher = teacher_of(Run(**wildcards), HYPER_PARAMETERS[wildcards.method].mask_teacher)
            return f"results/runs/{teacher.path}/checkpoint.pt"
        return []

    return given


def teacher_settings(wildcards):
    """Return the method that makes the masks of a job and its hyper-parameters, None where no finished run makes them."""
    method = HYPER_PARAMETERS[wildcards.method].mask_teacher
    return method and {"method": method, "hyper_parameters": VARIANTS[method]}


def code_of_method(*modules):
    """Return a params function: the hash of ``modules`` and of the code of the rule's method."""

    def code(wildcards):
        named = HYPER_PARAMETERS[wildcards.method].implementations
        return method_code(wildcards.method, *modules, *map(module_of, named))

    return code


def folder_of(wildcards):
    """Return the folder of a data set; its time matters only where a rule makes it, see datasets_to_make and fingerprint."""
    root = ROOTS[wildcards.dataset]
    return root if root in {str(made.root) for made in TO_MAKE.values()} else ancient(root)


def fingerprint(wildcards):
    """Return what changes when an image of a folder of the user's does; a folder that a rule makes is tracked by itself."""
    return None if wildcards.dataset in MADE else folder_fingerprint(ROOTS[wildcards.dataset])


def dataset_of(wildcards):
    """Return the data set of a run's path."""
    return wildcards.run.split("/")[0]


def in_repository(path):
    """Return ``path`` where git and DVC can version it; else end with why not."""
    try:
        require_repository(Path.cwd())
    except InputError as error:
        raise SystemExit(str(error)) from None
    return path


onstart:
    # Before the first job: Snakemake removes the outputs of each before it starts, and a wrong input would cost them.
    try:
        prepare_inputs(workflow.dag.needrun_jobs(), time.time())
    except InputError as error:
        raise SystemExit(str(error)) from None
