# The checked configuration and the helpers that all rules share.
from align.configuration.loading import load
from align.configuration.runs import method_of, runs_of, variants_of
from align.datasets import SOURCES
from align.datasets.folders import folder_fingerprint, require_settings, was_pulled
from align.errors import InputError
from align.methods import METHODS
from align.provenance import code_hash
from align.registry import module_of
from align.versioning.agreement import taken_runs
from align.versioning.repository import require_repository

try:
    CONFIGURATION = load(config, ", ".join(map(str, workflow.configfiles)) or "the configuration")
    for made in CONFIGURATION.datasets.values():
        if made.source and was_pulled(made.root):
            require_settings(made.root, made.source_settings.model_dump(mode="json"))
    TAKEN = taken_runs(CONFIGURATION)  # runs whose published checkpoint takes the place of training
except InputError as error:
    raise SystemExit(str(error)) from None  # to any other exception Snakemake adds a place in this file

RUNS = runs_of(CONFIGURATION)
TRAINED = [run for run in RUNS if run not in TAKEN]
DATASETS = {name: CONFIGURATION.datasets[name] for name in dict.fromkeys(run.dataset for run in RUNS)}
SETTINGS = CONFIGURATION.model_dump(mode="json")  # for lookup(): every value, defaults included
ROOTS = {name: str(dataset.root) for name, dataset in DATASETS.items()}
MADE = {name: dataset for name, dataset in DATASETS.items() if dataset.source}
# A folder that was downloaded once, or pulled, is never made again by itself: an edited script would be a reason.
ABSENT = {
    name: made
    for name, made in MADE.items()
    if not (was_pulled(made.root) or (made.root.exists() and SOURCES[made.source_name].archives))
}
TRUTHS = {name: [str(truth.folder) for truth in dataset.ground_truth] for name, dataset in DATASETS.items()}
VARIANTS = {name: settings.model_dump(mode="json") for name, settings in variants_of(CONFIGURATION).items()}
WEIGHTS = [path for path in [CONFIGURATION.classifier.weights] if path and Path(path).is_file()]  # absent: the job says so
PUBLISHED_COUNTS = os.path.relpath(Path(workflow.basedir, "reference/dataset_counts.csv"))
GPU = 1 if CONFIGURATION.device == "cuda" else 0
ENVIRONMENT = "../envs/align.yaml"


wildcard_constraints:
    dataset="|".join(map(re.escape, DATASETS)),
    domain="|".join(re.escape(domain) for dataset in DATASETS.values() for domain in dataset.domains),
    method="|".join(map(re.escape, VARIANTS)),
    seed=r"\d+",


def archive_of(wildcards):
    """Return what the table knows of an archive, where it is taken from, and the record of its checksum."""
    dataset = DATASETS[wildcards.dataset]
    archives = SOURCES[dataset.source_name].archives
    key = next(key for key, archive in archives.items() if archive.file == wildcards.file)
    place = getattr(dataset.source_settings, key)
    record = f"checksums/{wildcards.dataset}/{wildcards.file}.sha256"
    return {"archive": tuple(archives[key]), "place": place.model_dump(mode="json"), "record": record}


def downloads_of(name):
    """Return where the archives of a data set are downloaded to, by their keys."""
    return {key: f"downloads/{name}/{archive.file}" for key, archive in SOURCES[DATASETS[name].source_name].archives.items()}


def published_as(name):
    """Return the name under which the numbers of a data set's images are published: its source's, else its own."""
    dataset = DATASETS[name]
    return SOURCES[dataset.source_name].published_as if dataset.source else name


def of_runs(pattern):
    """Return one path per run; ``pattern`` has {run.path}."""
    return [pattern.format(run=run) for run in RUNS]


def of_domains(pattern):
    """Return an input function: one path per domain of the rule's data set; ``pattern`` has {dataset} and {domain}."""
    return lambda wildcards: expand(pattern, dataset=wildcards.dataset, domain=DATASETS[wildcards.dataset].domains)


def code_of_method(*modules):
    """Return a params function: the hash of ``modules`` and of the code of the rule's method."""
    return lambda wildcards: code_hash(*modules, module_of(METHODS[method_of(wildcards.method)].implementation))


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
