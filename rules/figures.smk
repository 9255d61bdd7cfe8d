# Figures: as SVG (in the report), as PNG, and the CSV that they are drawn from.
STEPS = {"train": paths.TRAINING, "evaluate": paths.EVALUATION}

for name, entry in FIGURES.items():
    if entry.reads:

        rule:
            name:
                name
            input:
                read_files(entry),
            output:
                **figure_files(name),
            log:
                configured_log(f"figures/{name}"),
            group:
                "presentation"
            conda:
                ENVIRONMENT
            resources:
                **cost(),
            params:
                **hashed("settings", function_settings(entry)),
                caption=caption(entry.implementation),
                loads=[entry.implementation],
            message:
                f"Drawing figure {name}"
            script:
                "../workflow_scripts/figure.py"


rule training_curves:
    input:
        histories=lambda wildcards: PLACES.runs(paths.HISTORY, runs_of_page(wildcards)),
        accounts=lambda wildcards: PLACES.runs(paths.ACCOUNT, runs_of_page(wildcards)),
    output:
        **figure_files("training_curves", paths.PAGE),
    log:
        configured_log(f"figures/training_curves/{paths.PAGE}"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        caption=lambda wildcards: page_caption("training_curves", wildcards),
    message:
        "Drawing figure training_curves of {wildcards.dataset}, {wildcards.protocol}, {wildcards.domain}"
    script:
        "../workflow_scripts/training_curves.py"


rule case_studies:
    input:
        **MODELS_AND_IMAGES,
    output:
        **figure_files("case_studies", paths.PAGE),
    log:
        configured_log(f"figures/case_studies/{paths.PAGE}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(memory=4000, gpu=GPU),
    params:
        **EXPLAINED_BY_MODELS,
        caption=lambda wildcards: page_caption("case_studies", wildcards, images=CONFIGURATION.case_studies.images),
        images=lookup("case_studies/images", within=SETTINGS),
    message:
        "Drawing figure case_studies of {wildcards.dataset}, {wildcards.protocol}, {wildcards.domain}"
    script:
        "../workflow_scripts/case_studies.py"


rule costs:
    input:
        # Written with the benchmark files, which are not asked for: for a run made elsewhere there are none.
        train=per_run(paths.ACCOUNT),
        evaluate=per_run(paths.RUN_METRICS),
    output:
        **figure_files("costs"),
    log:
        configured_log("figures/costs"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        **hashed("benchmarks", {step: PLACES.runs(paths.benchmark(f"{step}/{path}"), RUNS) for step, path in STEPS.items()}),
        **hashed("runs", [run._asdict() for run in RUNS]),
        caption=caption(FIGURES["costs"].implementation),
    message:
        "Drawing figure costs"
    script:
        "../workflow_scripts/costs.py"


rule performance:
    input:
        PERFORMANCE,
    output:
        **figure_files("performance"),
    log:
        configured_log("figures/performance"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        caption=caption(FIGURES["performance"].implementation),
    message:
        "Drawing figure performance"
    script:
        "../workflow_scripts/performance.py"


rule rule_graph:
    input:
        snakefile=ancient(own_file("Snakefile")),
    output:
        **figure_files("rule_graph"),
    log:
        configured_log("figures/rule_graph"),
    group:
        "presentation"
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        caption=caption(FIGURES["rule_graph"].implementation),
        # The rule that made a folder of images is gone once the folder is complete. That is no reason to draw again.
        rules=lambda wildcards: value_hash(
            [rule.name for rule in workflow.rules if rule in OWN_RULES and not rule.name.startswith("acquire_")]
        ),
    message:
        "Drawing figure rule_graph"
    script:
        "../workflow_scripts/rule_graph.py"


rule figures:
    """Every figure."""
    input:
        figure_targets,
    message:
        "Every figure is drawn"
