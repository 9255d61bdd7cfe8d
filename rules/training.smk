# One training run for each data set, protocol, source domain, method and seed; or its published checkpoint.
from align.files import sha256
from align.training.finished import forget_finished


# What has ended, Snakemake knows of now; a killed one does not come here.
onsuccess:
    forget_finished()


onerror:
    forget_finished()


rule train_run:
    input:
        splits="results/data/{dataset}/splits.csv",
        images=of_sources("results/data/{dataset}/{domain}.npy"),
        masks=of_sources("results/data/{dataset}/{domain}.masks.npy"),
        given=given_masks(sources_of),
        weights=WEIGHTS,
    output:
        checkpoint="results/runs/{dataset}/{protocol}/{domain}/{method}/seed{seed}/checkpoint.pt",
        history="results/runs/{dataset}/{protocol}/{domain}/{method}/seed{seed}/history.csv",
        run="results/runs/{dataset}/{protocol}/{domain}/{method}/seed{seed}/run.json",
    log:
        "results/logs/train/{dataset}/{protocol}/{domain}/{method}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train/{dataset}/{protocol}/{domain}/{method}/seed{seed}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(240),
        gpu=GPU,
    params:
        source_domains=sources_of,
        hyper_parameters=hyper_parameters_of,
        teacher=teacher_settings,
        classifier=lookup("classifier", within=SETTINGS),
        training=lookup("training", within=SETTINGS),
        augmentation=lookup("augmentation", within=SETTINGS),
        classes=of_dataset("classes"),
        code=code_of_method("align.training.run"),
    message:
        "Training {wildcards.method} on {wildcards.dataset}, {params.source_domains}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/train.py"


if TAKEN:
    CHECKPOINTS = str(CONFIGURATION.checkpoints.folder)

    rule take_published_run:
        input:
            # Pulled files are newer than everything: the account, which has their checksums, is a param.
            checkpoint=ancient(f"{CHECKPOINTS}/{{run}}/checkpoint.pt"),
            history=ancient(f"{CHECKPOINTS}/{{run}}/history.csv"),
            account=ancient(f"{CHECKPOINTS}/{{run}}/checkpoint.json"),
            published_manifest=lambda wildcards: ancient(f"{CHECKPOINTS}/{dataset_of(wildcards)}/manifest.csv"),
            published_splits=lambda wildcards: ancient(f"{CHECKPOINTS}/{dataset_of(wildcards)}/splits.csv"),
            manifest=lambda wildcards: f"results/data/{dataset_of(wildcards)}/manifest.csv",
            splits=lambda wildcards: f"results/data/{dataset_of(wildcards)}/splits.csv",
        output:
            checkpoint="results/runs/{run}/checkpoint.pt",
            history="results/runs/{run}/history.csv",
            run="results/runs/{run}/run.json",
        log:
            "results/logs/take/{run}.log",
        wildcard_constraints:
            run="|".join(re.escape(run.path) for run in TAKEN),
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=per_attempt(1000),
            runtime=per_attempt(10),
        params:
            account=lambda wildcards: sha256(f"{CHECKPOINTS}/{wildcards.run}/checkpoint.json"),
            code=code_hash("align.versioning.checkpoints"),
        message:
            "Taking the published checkpoint of {wildcards.run}"
        script:
            "../workflow_scripts/take_published_run.py"

    ruleorder: take_published_run > train_run


rule train:
    """Every training run."""
    input:
        CHECKED,
        of_runs("results/runs/{run.path}/checkpoint.pt"),
