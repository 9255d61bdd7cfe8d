# All metrics of a run, on the test images of every domain.


rule evaluate_run:
    input:
        checkpoint=paths.CHECKPOINT,
        splits=paths.SPLITS,
        images=per_domain(paths.IMAGES),
        ground_truth=ground_truth_files(paths.GROUND_TRUTH),
        given_masks=lambda wildcards: PLAN.given_mask_files(Run(**wildcards), DATASETS[wildcards.dataset].domains),
    output:
        metrics=paths.RUN_METRICS,
        images=paths.IMAGE_METRICS,
    log:
        paths.log(f"evaluate/{paths.RUN}"),
    benchmark:
        paths.benchmark(f"evaluate/{paths.RUN}")
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, minutes=60, gpu=GPU),
    params:
        settings=run_settings,
        evaluation=lambda wildcards: PLAN.evaluation_settings(wildcards.dataset),
        loads=lambda wildcards: PLAN.evaluation_code(Run(**wildcards)),
    message:
        "Evaluating {wildcards.method} trained on {wildcards.dataset}, {params.settings[source_domains]}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"


rule collect_metrics:
    input:
        per_run(paths.RUN_METRICS),
    output:
        paths.METRICS,
    log:
        paths.log("collect_metrics"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        runs=[run._asdict() | {"studies": studies} for run, studies in PLAN.studies.items()],
        source_domains=list(map(PLAN.source_domains, RUNS)),
    message:
        "Putting the metrics of all runs into one table"
    script:
        "../workflow_scripts/collect_metrics.py"


rule evaluate:
    """Every run's metrics in one table."""
    input:
        checked,
        paths.METRICS,
