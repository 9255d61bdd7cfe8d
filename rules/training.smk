# One training run for each data set, protocol, domain, method and seed, or its published checkpoint.
from align.files import sha256


rule train_run:
    input:
        splits=per_job_dataset(paths.SPLITS),
        images=per_source_domain(paths.IMAGES),
        given_masks=lambda wildcards: PLAN.given_mask_files(run_of(wildcards), PLAN.source_domains(run_of(wildcards))),
        weights=ancient(PLAN.weights_files()),
    output:
        checkpoint=paths.CHECKPOINT,
        history=paths.HISTORY,
        run=paths.ACCOUNT,
    log:
        paths.log(f"train/{paths.TRAINING}"),
    benchmark:
        paths.benchmark(f"train/{paths.TRAINING}")
    priority: lambda wildcards: PLAN.training_priority(run_of(wildcards))
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, minutes=240, gpu=GPU),
    params:
        settings=run_settings,
        loads=run_code,
        weights=file_content("weights", PLAN.weights_files()),
    message:
        "Training {wildcards.method} on {wildcards.dataset}, {params.settings[source_domains]}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/train.py"


if PLAN.taken:
    CHECKPOINTS = str(CONFIGURATION.checkpoints.folder)

    rule take_published_run:
        input:
            # Files from `dvc pull` are newer than everything, so their times do not count. The param `account` has their checksums.
            checkpoint=ancient(f"{CHECKPOINTS}/{{run}}/checkpoint.pt"),
            history=ancient(f"{CHECKPOINTS}/{{run}}/history.csv"),
            account=ancient(f"{CHECKPOINTS}/{{run}}/checkpoint.json"),
            published_manifest=published_listing("manifest.csv"),
            published_splits=published_listing("splits.csv"),
            manifest=own_listing(paths.MANIFEST),
            splits=own_listing(paths.SPLITS),
        output:
            checkpoint=paths.CHECKPOINT.replace(paths.RUN, "{run}"),
            history=paths.HISTORY.replace(paths.RUN, "{run}"),
            run=paths.ACCOUNT.replace(paths.RUN, "{run}"),
        log:
            paths.log("take/{run}/{training}"),
        wildcard_constraints:
            run="|".join(re.escape(run.path) for run in PLAN.taken),
        conda:
            ENVIRONMENT
        resources:
            **cost(),
        params:
            account=lambda wildcards: sha256(f"{CHECKPOINTS}/{wildcards.run}/checkpoint.json"),
            training_code=lambda wildcards: code_hash(SCRIPTS / "train.py", *PLAN.run_code(Run.from_path(wildcards.run))),
        message:
            "Taking the published checkpoint of {wildcards.run}"
        script:
            "../workflow_scripts/take_published_run.py"

    ruleorder: take_published_run > train_run


rule train:
    """Every training run."""
    input:
        checked,
        per_run(paths.CHECKPOINT),
    message:
        "Every run is trained"
