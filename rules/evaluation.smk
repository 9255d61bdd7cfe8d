# All metrics of a run, on its own test split and on those of the other domains.
from align.attribution import ATTRIBUTIONS
from align.metrics import METRICS

EVALUATION = CONFIGURATION.evaluation
EVALUATION_CODE = [
    "align.metrics.domain_shift.pairing",
    "align.metrics.evaluate",
    "align.metrics.explain",
    "align.preparation.splits",
    "align.training.run",
    module_of(ATTRIBUTIONS[EVALUATION.attribution]),
    *(module_of(METRICS[metric].implementation) for metric in EVALUATION.metrics),
]


rule evaluate_run:
    input:
        checkpoint="results/runs/{dataset}/{protocol}/{domain}/{method}/seed{seed}/checkpoint.pt",
        splits="results/data/{dataset}/splits.csv",
        images=of_domains("results/data/{dataset}/{domain}.npy"),
        masks=of_domains("results/data/{dataset}/{domain}.masks.npy"),
        given=given_masks(lambda wildcards: DATASETS[wildcards.dataset].domains),
    output:
        metrics="results/evaluations/{dataset}/{protocol}/{domain}/{method}/seed{seed}/metrics.csv",
        images="results/evaluations/{dataset}/{protocol}/{domain}/{method}/seed{seed}/images.csv.gz",
    log:
        "results/logs/evaluate/{dataset}/{protocol}/{domain}/{method}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/{dataset}/{protocol}/{domain}/{method}/seed{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(60),
        gpu=GPU,
    params:
        source_domains=sources_of,
        hyper_parameters=hyper_parameters_of,
        teacher=teacher_settings,
        classifier=lookup("classifier", within=SETTINGS),
        training=lookup("training", within=SETTINGS),
        augmentation=lookup("augmentation", within=SETTINGS),
        evaluation=lookup("evaluation", within=SETTINGS),
        domains=of_dataset("domains"),
        paired=of_dataset("paired"),
        code=code_of_method(*EVALUATION_CODE),
    message:
        "Evaluating {wildcards.method} trained on {wildcards.dataset}, {params.source_domains}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"


rule collect_metrics:
    input:
        of_runs("results/evaluations/{run.path}/metrics.csv"),
    output:
        "results/metrics.csv",
    log:
        "results/logs/collect_metrics.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        runs=[run._asdict() | {"studies": studies} for run, studies in STUDIES.items()],
        source_domains=[source_domains(CONFIGURATION, run) for run in RUNS],
        code=code_hash("align.results.collect"),
    script:
        "../workflow_scripts/collect_metrics.py"


rule evaluate:
    """Every run's metrics in one table."""
    input:
        CHECKED,
        "results/metrics.csv",
