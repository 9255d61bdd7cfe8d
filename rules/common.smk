# The checked configuration and the helpers that all rules share.
from align.configuration.loading import load
from align.configuration.runs import method_of, runs_of, variants_of
from align.datasets import SOURCES
from align.datasets.folders import folder_fingerprint
from align.errors import InputError
from align.methods import METHODS
from align.provenance import code_hash
from align.registry import module_of

try:
    CONFIGURATION = load(config, ", ".join(map(str, workflow.configfiles)) or "the configuration")
except InputError as error:
    raise SystemExit(str(error)) from None  # to any other exception Snakemake adds a place in this file

RUNS = runs_of(CONFIGURATION)
DATASETS = {name: CONFIGURATION.datasets[name] for name in dict.fromkeys(run.dataset for run in RUNS)}
SETTINGS = CONFIGURATION.model_dump(mode="json")  # for lookup(): every value, defaults included
ROOTS = {name: str(dataset.root) for name, dataset in DATASETS.items()}
MADE = {name: dataset for name, dataset in DATASETS.items() if dataset.source}
TRUTHS = {name: [str(truth.folder) for truth in dataset.ground_truth] for name, dataset in DATASETS.items()}
VARIANTS = {name: settings.model_dump(mode="json") for name, settings in variants_of(CONFIGURATION).items()}
WEIGHTS = [path for path in [CONFIGURATION.classifier.weights] if path and Path(path).is_file()]  # absent: the job says so
GPU = 1 if CONFIGURATION.device == "cuda" else 0
ENVIRONMENT = "../envs/align.yaml"


wildcard_constraints:
    dataset="|".join(map(re.escape, DATASETS)),
    domain="|".join(re.escape(domain) for dataset in DATASETS.values() for domain in dataset.domains),
    method="|".join(map(re.escape, VARIANTS)),
    seed=r"\d+",


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
