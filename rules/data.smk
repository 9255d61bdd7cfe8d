# From an address or a generator to a folder of images, and from any such folder to splits and packed arrays.

from align.datasets.published_counts import published_counts


rule download:
    output:
        "downloads/{archive}.verified",
    log:
        "results/logs/download/{archive}.log",
    benchmark:
        "results/benchmarks/download/{archive}.tsv"
    wildcard_constraints:
        archive="|".join(map(re.escape, DOWNLOADS)) or "none",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(720),
    params:
        archive=lambda wildcards: list(DOWNLOADS[wildcards.archive].archive),
        place=lambda wildcards: DOWNLOADS[wildcards.archive].place.model_dump(mode="json"),
        record=lambda wildcards: DOWNLOADS[wildcards.archive].record,
    message:
        "Bringing {wildcards.archive}"
    script:
        "../workflow_scripts/download.py"


for name, dataset in TO_MAKE.items():

    rule:
        name:
            f"acquire_{name}"
        input:
            **{key: f"downloads/{path}.verified" for key, (path, _) in ARCHIVES[name].items()},
        output:
            directory(str(dataset.root)),
        log:
            f"results/logs/acquire/{name}.log",
        benchmark:
            f"results/benchmarks/acquire/{name}.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=per_attempt(1000),
            runtime=per_attempt(120),
        params:
            source=dataset.source_name,
            settings=lookup(f"datasets/{name}/source/{dataset.source_name}", within=SETTINGS),
            code=code_hash(module_of(SOURCES[dataset.source_name].implementation)),
        message:
            f"Making {dataset.root}"
        script:
            "../workflow_scripts/acquire.py"


rule index:
    input:
        folder_of,
    output:
        manifest="results/data/{dataset}/manifest.csv",
        listed="results/data/{dataset}/listed.txt",
    log:
        "results/logs/index/{dataset}.log",
    benchmark:
        "results/benchmarks/index/{dataset}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(30),
    params:
        domains=of_dataset("domains"),
        classes=of_dataset("classes"),
        fingerprint=fingerprint,
        code=code_hash("align.datasets.image_folder", "align.preparation.listing"),
    message:
        "Reading every image of {wildcards.dataset} once"
    script:
        "../workflow_scripts/index.py"


rule verify:
    input:
        "results/data/{dataset}/manifest.csv",
    output:
        counts="results/data/{dataset}/counts.csv",
        acquisition="results/data/{dataset}/acquisition.json",
    log:
        "results/logs/verify/{dataset}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        root=lambda wildcards: ROOTS[wildcards.dataset],
        published_as=lambda wildcards: DATASETS[wildcards.dataset].published_as(wildcards.dataset),
        published=lambda wildcards: published_counts(COUNTS, DATASETS[wildcards.dataset].published_as(wildcards.dataset)),
        domains=lookup("datasets/{dataset}/domains", within=config, default=None),  # as chosen, not as found
        classes=of_dataset("classes"),
        allow_partial=of_dataset("allow_partial"),
        code=code_hash("align.preparation.verification"),
    script:
        "../workflow_scripts/verify.py"


rule split:
    input:
        manifest="results/data/{dataset}/manifest.csv",
        verified="results/data/{dataset}/counts.csv",
    output:
        "results/data/{dataset}/splits.csv",
    log:
        "results/logs/split/{dataset}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(10),
    params:
        splits=lookup("splits", within=SETTINGS),
        test_only=of_dataset("test_only"),
        group=of_dataset("split_group"),
        code=code_hash("align.preparation.splits", "align.preparation.listing"),
    script:
        "../workflow_scripts/split.py"


rule pack:
    input:
        folder=folder_of,
        manifest="results/data/{dataset}/manifest.csv",
        verified="results/data/{dataset}/counts.csv",
        ground_truth=lambda wildcards: TRUTHS[wildcards.dataset] if wildcards.dataset not in MADE else [],
    output:
        images="results/data/{dataset}/{domain}.npy",
        masks="results/data/{dataset}/{domain}.masks.npy",
    log:
        "results/logs/pack/{dataset}/{domain}.log",
    benchmark:
        "results/benchmarks/pack/{dataset}/{domain}.tsv"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(60),
    params:
        root=lambda wildcards: ROOTS[wildcards.dataset],
        image_size=of_dataset("image_size"),
        resize=of_dataset("resize"),
        ground_truth=of_dataset("ground_truth"),
        code=code_hash("align.preparation.packing"),
    message:
        "Packing {wildcards.dataset}, {wildcards.domain}"
    script:
        "../workflow_scripts/pack.py"


if SAM_FILES:

    rule segment:
        input:
            images="results/data/{dataset}/{domain}.npy",
            checkpoint=SAM_FILES,
        output:
            masks="results/data/{dataset}/{domain}.sam.npy",
            account="results/data/{dataset}/{domain}.sam.json",
        log:
            "results/logs/segment/{dataset}/{domain}.log",
        benchmark:
            "results/benchmarks/segment/{dataset}/{domain}.tsv"
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=per_attempt(8000),
            runtime=per_attempt(720),
            gpu=GPU,
        params:
            settings=lookup("segment_anything", within=SETTINGS),
            fingerprint=folder_fingerprint(SEGMENT_ANYTHING),  # a file that is replaced by an older one
            code=code_hash("align.segmentation.segment_anything", "align.training.device"),
        message:
            "Segmenting every image of {wildcards.dataset}, {wildcards.domain}"
        script:
            "../workflow_scripts/segment.py"


rule data:
    """Images, splits and packed arrays of every data set in use."""
    input:
        CHECKED,
        expand("results/data/{dataset}/splits.csv", dataset=DATASETS),
        [f"results/data/{name}/{domain}.npy" for name, dataset in DATASETS.items() for domain in dataset.domains],


rule splits:
    """Which image is in which split."""
    input:
        CHECKED,
        expand("results/data/{dataset}/splits.csv", dataset=DATASETS),
