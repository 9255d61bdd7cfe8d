# All metrics of a run, on the test images of every domain.


rule evaluate_run:
    input:
        checkpoint=paths.CHECKPOINT,
        splits=per_job_dataset(paths.SPLITS),
        images=per_domain(paths.IMAGES),
        ground_truth=ground_truth_files(paths.GROUND_TRUTH),
        given_masks=lambda wildcards: PLAN.given_mask_files(run_of(wildcards), DATASETS[wildcards.dataset].domains),
    output:
        metrics=paths.RUN_METRICS,
        images=paths.IMAGE_METRICS,
    log:
        paths.log(f"evaluate/{paths.EVALUATION}"),
    benchmark:
        paths.benchmark(f"evaluate/{paths.EVALUATION}")
    priority: 2  # as soon as a run is trained
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, minutes=60, gpu=GPU),
    params:
        settings=run_settings,
        evaluation=lambda wildcards: PLAN.evaluation_settings(wildcards.dataset),
        loads=lambda wildcards: PLAN.evaluation_code(run_of(wildcards)),
    message:
        "Evaluating {wildcards.method} trained on {wildcards.dataset}, {params.settings[source_domains]}, seed {wildcards.seed}"
    script:
        "../workflow_scripts/evaluate.py"


rule collect_metrics:
    input:
        per_run(paths.RUN_METRICS),
    output:
        configured(paths.METRICS),
    log:
        configured_log("collect_metrics"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        **hashed("runs", [run._asdict() | {"studies": studies} for run, studies in PLAN.studies.items()]),
        **hashed("source_domains", list(map(PLAN.source_domains, RUNS))),
    message:
        "Putting the metrics of all runs into one table"
    script:
        "../workflow_scripts/collect_metrics.py"


rule evaluate:
    """Every run's metrics in one table."""
    input:
        checked,
        configured(paths.METRICS),
    message:
        "Every run is evaluated"


rule link:
    """A file of one run, named without the keys of its settings: a link."""
    input:
        lambda wildcards: PLACES.run(paths.LINKED[wildcards.file], run_of(wildcards)),
    output:
        configured(paths.LINK),
    log:
        configured_log(f"link/{paths.RUN}/{{file}}"),
    wildcard_constraints:
        file="|".join(map(re.escape, paths.LINKED)),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    message:
        "Linking {wildcards.file} of {wildcards.method}, {wildcards.dataset}, {wildcards.domain}, seed {wildcards.seed}"
    shell:
        "ln --symbolic --force --relative {input:q} {output:q} 2> {log:q}"
