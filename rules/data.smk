# Makes or downloads folders of images, and makes splits and packed arrays from any such folder.

from align.datasets import SOURCES
from align.datasets.published_counts import published_counts

PUBLISHED_COUNTS = Path(workflow.basedir, "reference/dataset_counts.csv")


rule download:
    output:
        paths.VERIFIED,
    log:
        paths.log("download/{archive}"),
    benchmark:
        paths.benchmark("download/{archive}")
    wildcard_constraints:
        archive="|".join(map(re.escape, PLAN.downloads)) or "none",
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=720),
    params:
        archive=lambda wildcards: list(PLAN.downloads[wildcards.archive].archive),
        origin=lambda wildcards: PLAN.downloads[wildcards.archive].origin.model_dump(mode="json"),
        record=lambda wildcards: PLAN.downloads[wildcards.archive].record,
    message:
        "Downloading {wildcards.archive}"
    script:
        "../workflow_scripts/download.py"


for name, dataset in PLAN.to_make.items():

    rule:
        name:
            f"acquire_{name}"
        input:
            **{key: paths.VERIFIED.format(archive=path) for key, (path, _) in PLAN.archives[name].items()},
        output:
            directory(str(dataset.root)),
        log:
            paths.log(f"acquire/{name}"),
        benchmark:
            paths.benchmark(f"acquire/{name}")
        conda:
            ENVIRONMENT
        resources:
            **cost(minutes=120),
        params:
            settings=lookup(f"datasets/{name}/source/{dataset.source_name}", within=SETTINGS),
            archives={
                key: [archive.file, archive.unpacked_at_most] for key, archive in SOURCES[dataset.source_name].archives.items()
            },
            loads=[SOURCES[dataset.source_name].implementation],
        message:
            f"Making {dataset.root}"
        script:
            "../workflow_scripts/acquire.py"


rule index:
    input:
        dataset_root,
    output:
        manifest=paths.MANIFEST,
        listed=paths.LISTED,
    log:
        paths.log("index/{dataset}"),
    benchmark:
        paths.benchmark("index/{dataset}")
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=30),
    params:
        domains=dataset_setting("domains"),
        classes=dataset_setting("classes"),
        content=folder_content,
    message:
        "Reading every image of {wildcards.dataset} once"
    script:
        "../workflow_scripts/index.py"


rule verify:
    input:
        paths.MANIFEST,
    output:
        counts=paths.COUNTS,
        acquisition=paths.ACQUISITION,
    log:
        paths.log("verify/{dataset}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
        published_as=published_name,
        published=lambda wildcards: published_counts(PUBLISHED_COUNTS, published_name(wildcards)),
        domains=lookup("datasets/{dataset}/domains", within=config, default=None),  # those in the configuration, not those found
        classes=dataset_setting("classes"),
        allow_partial=dataset_setting("allow_partial"),
    message:
        "Counting the images of {wildcards.dataset}"
    script:
        "../workflow_scripts/verify.py"


rule split:
    input:
        manifest=paths.MANIFEST,
        verified=paths.COUNTS,
    output:
        paths.SPLITS,
    log:
        paths.log("split/{dataset}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        splits=lookup("splits", within=SETTINGS),
        test_only=dataset_setting("test_only"),
        group=dataset_setting("split_group"),
    message:
        "Splitting {wildcards.dataset}"
    script:
        "../workflow_scripts/split.py"


rule pack:
    input:
        folder=dataset_root,
        manifest=paths.MANIFEST,
        verified=paths.COUNTS,
    output:
        images=paths.IMAGES,
    log:
        paths.log("pack/{dataset}/{domain}"),
    benchmark:
        paths.benchmark("pack/{dataset}/{domain}")
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=60),
    params:
        root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
        image_size=dataset_setting("image_size"),
        resize=dataset_setting("resize"),
    message:
        "Packing {wildcards.dataset}, {wildcards.domain}"
    script:
        "../workflow_scripts/pack.py"


rule pack_ground_truth:
    input:
        folder=dataset_root,
        manifest=paths.MANIFEST,
        verified=paths.COUNTS,
        annotations=lambda wildcards: PLAN.ground_truth_folders(wildcards.dataset),
    output:
        ground_truth=paths.GROUND_TRUTH,
        account=paths.GROUND_TRUTH_ACCOUNT,
    log:
        paths.log("pack_ground_truth/{dataset}/{domain}"),
    benchmark:
        paths.benchmark("pack_ground_truth/{dataset}/{domain}")
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=60),
    params:
        root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
        image_size=dataset_setting("image_size"),
        resize=dataset_setting("resize"),
        ground_truth=lambda wildcards: PLAN.ground_truth_entries(wildcards.dataset),
    message:
        "Packing the ground truth of {wildcards.dataset}, {wildcards.domain}"
    script:
        "../workflow_scripts/pack_ground_truth.py"


if PLAN.sam_files:

    rule segment:
        input:
            images=paths.IMAGES,
            checkpoint=PLAN.sam_files,
        output:
            masks=paths.SAM_MASKS,
            account=paths.SAM_ACCOUNT,
        log:
            paths.log("segment/{dataset}/{domain}"),
        benchmark:
            paths.benchmark("segment/{dataset}/{domain}")
        conda:
            ENVIRONMENT
        resources:
            **cost(memory=8000, minutes=720, gpu=GPU),
        params:
            settings=lookup("segment_anything", within=SETTINGS),
            content=folder_fingerprint(CONFIGURATION.segment_anything.checkpoint),  # so that an older file in its place counts
        message:
            "Segmenting every image of {wildcards.dataset}, {wildcards.domain}"
        script:
            "../workflow_scripts/segment.py"


rule data:
    """Images, splits and packed arrays of every data set in use."""
    input:
        CHECKED,
        expand(paths.SPLITS, dataset=DATASETS),
        [path for name, dataset in DATASETS.items() for path in each_domain(paths.IMAGES, name, dataset.domains)],
        [path for name in DATASETS for path in PLAN.ground_truth_files(paths.GROUND_TRUTH, name)],


rule splits:
    """The split of every image."""
    input:
        CHECKED,
        expand(paths.SPLITS, dataset=DATASETS),
