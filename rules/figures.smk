# Figures: as SVG (in the report), as PNG, and the CSV that they are drawn from.
from align.methods.naming import method_of


rule training_curves:
    input:
        histories=of_page("results/runs/{run.path}/history.csv"),
        accounts=of_page("results/runs/{run.path}/run.json"),
    output:
        **figure_files("training_curves", "Training curves", PAGE),
    log:
        "results/logs/figures/training_curves/{dataset}/{protocol}/{domain}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        code=code_hash("align.figures.training_curves", "align.figures.style"),
    script:
        "../workflow_scripts/training_curves.py"


rule case_studies:
    input:
        checkpoints=of_first_seeds("results/runs/{run.path}/checkpoint.pt"),
        accounts=of_first_seeds("results/runs/{run.path}/run.json"),
        splits="results/data/{dataset}/splits.csv",
        images=of_domains("results/data/{dataset}/{domain}.npy"),
        masks=of_domains("results/data/{dataset}/{domain}.masks.npy"),
    output:
        **figure_files("case_studies", "Case studies", PAGE),
    log:
        "results/logs/figures/case_studies/{dataset}/{protocol}/{domain}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(4000),
        runtime=per_attempt(10),
        gpu=GPU,
    params:
        images=lookup("case_studies/images", within=SETTINGS),
        source_domains=sources_of_page,
        evaluation=lookup("evaluation", within=SETTINGS),
        domains=of_dataset("domains"),
        code=code_hash(
            "align.figures.case_studies",
            "align.figures.style",
            "align.preparation.splits",
            "align.training.run",
            module_of(ATTRIBUTIONS[EVALUATION.attribution]),
        ),
    script:
        "../workflow_scripts/case_studies.py"


rule accuracy_vs_explanation:
    input:
        "results/metrics.csv",
    output:
        **figure_files("accuracy_vs_explanation", "Accuracy and explanation"),
    log:
        "results/logs/figures/accuracy_vs_explanation.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        code=code_hash("align.figures.accuracy_vs_explanation", "align.figures.style"),
    script:
        "../workflow_scripts/accuracy_vs_explanation.py"


rule average_ranks:
    input:
        "results/metrics.csv",
    output:
        **figure_files("average_ranks", "Average ranks"),
    log:
        "results/logs/figures/average_ranks.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        code=code_hash("align.figures.critical_difference", "align.figures.style", "align.statistics.ranks"),
    script:
        "../workflow_scripts/average_ranks.py"


rule sensitivity:
    input:
        "results/metrics.csv",
    output:
        **figure_files("sensitivity", "Sensitivity"),
    log:
        "results/logs/figures/sensitivity.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        variants=variants_of_study("sensitivity"),
        defaults={name: SETTINGS["methods"][name] for name in map(method_of, variants_of_study("sensitivity"))},
        code=code_hash("align.figures.sensitivity", "align.figures.style"),
    script:
        "../workflow_scripts/sensitivity.py"


rule mask_degradation:
    input:
        "results/metrics.csv",
    output:
        **figure_files("mask_degradation", "Mask degradation"),
    log:
        "results/logs/figures/mask_degradation.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        variants=variants_of_study("mask_quality"),
        code=code_hash("align.figures.mask_degradation", "align.figures.style"),
    script:
        "../workflow_scripts/mask_degradation.py"


rule costs:
    input:
        # Written with the benchmark files, which are not asked for: for a run made elsewhere there are none.
        train=of_runs("results/runs/{run.path}/run.json"),
        evaluate=of_runs("results/evaluations/{run.path}/metrics.csv"),
    output:
        **figure_files("costs", "Costs"),
    log:
        "results/logs/figures/costs.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        benchmarks={step: of_runs(f"results/benchmarks/{step}/{{run.path}}.tsv") for step in ("train", "evaluate")},
        runs=[run._asdict() for run in RUNS],
        code=code_hash("align.figures.costs", "align.figures.style"),
    script:
        "../workflow_scripts/costs.py"


rule performance:
    input:
        PERFORMANCE,
    output:
        **figure_files("performance", "Performance"),
    log:
        "results/logs/figures/performance.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        code=code_hash("align.figures.performance", "align.figures.style"),
    script:
        "../workflow_scripts/performance.py"


rule rule_graph:
    output:
        **figure_files("rule_graph", "Rule graph"),
    log:
        "results/logs/figures/rule_graph.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        # A folder that was brought has no rule any more, which is no reason to draw again.
        rules=lambda wildcards: [rule.name for rule in workflow.rules if not rule.name.startswith("acquire_")],
        code=code_hash("align.figures.rule_graph", "align.figures.style"),
    script:
        "../workflow_scripts/rule_graph.py"


rule figures:
    """Every figure."""
    input:
        [f"results/figures/{figure}/{page}.svg" for figure in ("training_curves", "case_studies") for page in PAGES],
        rules.accuracy_vs_explanation.output,
        rules.average_ranks.output,
        rules.sensitivity.output,
        rules.mask_degradation.output,
        rules.costs.output,
        rules.performance.output,
        rules.rule_graph.output,
