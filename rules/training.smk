# One training run for each data set, protocol, source domain, method and seed.


rule train_run:
    input:
        splits="results/data/{dataset}/splits.csv",
        images="results/data/{dataset}/{domain}.npy",
        masks="results/data/{dataset}/{domain}.masks.npy",
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
        mem_mb=4000,
        runtime=240,
        gpu=GPU,
    params:
        hyper_parameters=lookup("{method}", within=VARIANTS),
        classifier=lookup("classifier", within=SETTINGS),
        training=lookup("training", within=SETTINGS),
        augmentation=lookup("augmentation", within=SETTINGS),
        classes=lookup("datasets/{dataset}/classes", within=SETTINGS),
        code=code_of_method("align.training.run"),
    message:
        "Training {wildcards.method} on {wildcards.dataset}, {wildcards.domain}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/train.py"


rule train:
    """Every training run."""
    input:
        of_runs("results/runs/{run.path}/checkpoint.pt"),
