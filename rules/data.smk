# Makes or downloads folders of images, and makes splits and packed arrays from any such folder.

from align.datasets import SOURCES
from align.datasets.published_counts import published_counts
from align.datasets.settings import stated_dataset

PUBLISHED_COUNTS = HOME / "reference/dataset_counts.csv"
# Masks in folders, by the key of a configuration that names the folders: the packed masks, the account of what became of the
# files, and the wildcard of the key's settings.
ANNOTATED = {
    "ground_truth": (paths.GROUND_TRUTH, paths.GROUND_TRUTH_ACCOUNT, "truth"),
    "guiding_masks": (paths.GUIDING_MASKS, paths.GUIDING_ACCOUNT, "guiding"),
}


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
        source=lambda wildcards: PLAN.downloads[wildcards.archive].source,
        key=lambda wildcards: PLAN.downloads[wildcards.archive].key,
        origin=lambda wildcards: PLAN.downloads[wildcards.archive].origin.model_dump(mode="json"),
        record=lambda wildcards: PLAN.downloads[wildcards.archive].record,
        published=lambda wildcards: published_counts(PUBLISHED_COUNTS, PLAN.downloads[wildcards.archive].published_as),
        answers=answers_in_a_dry_run,
    message:
        "Downloading {wildcards.archive}{params.answers}"
    script:
        "../workflow_scripts/download.py"


for name, dataset in PLAN.to_make.items():

    rule:
        name:
            f"acquire_{name}"
        input:
            **{key: paths.VERIFIED.format(archive=path) for key, (path, _) in PLAN.archives[name].items()},
            **{key: HOME / "reference" / file for key, file in SOURCES[dataset.source_name].listings.items()},
        output:
            directory(str(dataset.root)),
        log:
            paths.log(f"acquire/{name}"),
        benchmark:
            paths.benchmark(f"acquire/{name}")
        # Everything but a few figures waits for the images. So they come first.
        priority: 1
        conda:
            ENVIRONMENT
        resources:
            **cost(minutes=120),
        params:
            settings=lookup(f"datasets/{name}/source/{dataset.source_name}", within=SETTINGS),
            archives={
                key: [archive.file, archive.unpacked_at_most] for key, archive in SOURCES[dataset.source_name].archives.items()
            },
            listings=list(SOURCES[dataset.source_name].listings),
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
        perceptual_hashes=paths.PERCEPTUAL_HASHES,
        passed_over=paths.PASSED_OVER,
        listed=paths.LISTED,
    log:
        paths.log("index/{dataset}/{listing}"),
    benchmark:
        paths.benchmark("index/{dataset}/{listing}")
    conda:
        ENVIRONMENT
    resources:
        **cost(minutes=30),
    params:
        root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
        domains=dataset_setting("domains"),
        classes=dataset_setting("classes"),
        content=folder_content,
    message:
        "Reading every image of {wildcards.dataset} once"
    script:
        "../workflow_scripts/index.py"


rule verify:
    input:
        manifest=paths.MANIFEST,
        perceptual_hashes=paths.PERCEPTUAL_HASHES,
    output:
        counts=paths.COUNTS,
        duplicates=paths.DUPLICATES,
        acquisition=paths.ACQUISITION,
    log:
        paths.log("verify/{dataset}/{listing}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
        published_as=published_name,
        published_archive=lambda wildcards: DATASETS[wildcards.dataset].source is not None,
        published=lambda wildcards: published_counts(PUBLISHED_COUNTS, published_name(wildcards)),
        domains=lambda wildcards: list(stated_dataset(config, wildcards.dataset).domains),  # not those that are found
        classes=dataset_setting("classes"),
        allow_partial=lambda wildcards: DATASETS[wildcards.dataset].may_be_partial,
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
        paths.log("split/{dataset}/{listing}/{split}"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        splits=lookup("splits", within=SETTINGS),
        test_only=dataset_setting("test_only"),
        group=dataset_setting("split_group"),
        paired=dataset_setting("paired"),
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
        paths.log("pack/{dataset}/{listing}/{images}/{domain}"),
    benchmark:
        paths.benchmark("pack/{dataset}/{listing}/{images}/{domain}")
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


for key, (masks, account, settings) in ANNOTATED.items():

    rule:
        name:
            f"pack_{key}"
        input:
            folder=dataset_root,
            manifest=paths.MANIFEST,
            verified=paths.COUNTS,
        output:
            masks=masks,
            account=account,
        log:
            paths.log(f"pack_{key}/{{dataset}}/{{listing}}/{{images}}/{{{settings}}}/{{domain}}"),
        benchmark:
            paths.benchmark(f"pack_{key}/{{dataset}}/{{listing}}/{{images}}/{{{settings}}}/{{domain}}")
        conda:
            ENVIRONMENT
        resources:
            **cost(minutes=60),
        params:
            root=lambda wildcards: str(DATASETS[wildcards.dataset].root),
            image_size=dataset_setting("image_size"),
            resize=dataset_setting("resize"),
            entries=annotation_entries(key),
            content=annotation_files_content(key),
            soft=key == "guiding_masks",
        message:
            f"Packing the {key.replace('_', ' ')} of {{wildcards.dataset}}, {{wildcards.domain}}"
        script:
            "../workflow_scripts/pack_ground_truth.py"


if PLAN.sam_files:

    rule segment:
        input:
            images=paths.IMAGES,
            checkpoint=ancient(PLAN.sam_files),
        output:
            masks=paths.SAM_MASKS,
            account=paths.SAM_ACCOUNT,
        log:
            paths.log("segment/{dataset}/{listing}/{images}/{sam}/{domain}"),
        benchmark:
            paths.benchmark("segment/{dataset}/{listing}/{images}/{sam}/{domain}")
        conda:
            ENVIRONMENT
        resources:
            **cost(memory=8000, minutes=720, gpu=GPU),
        params:
            settings=lookup("segment_anything", within=SETTINGS),
            content=file_content("sam", PLAN.sam_files),
        message:
            "Segmenting every image of {wildcards.dataset}, {wildcards.domain}"
        script:
            "../workflow_scripts/segment.py"


if PLAN.salient_object_files:

    rule find_salient_objects:
        input:
            images=paths.IMAGES,
            model=ancient(PLAN.salient_object_files),
        output:
            masks=paths.SALIENT_MASKS,
            account=paths.SALIENT_ACCOUNT,
        log:
            paths.log("find_salient_objects/{dataset}/{listing}/{images}/{domain}"),
        benchmark:
            paths.benchmark("find_salient_objects/{dataset}/{listing}/{images}/{domain}")
        conda:
            ENVIRONMENT
        resources:
            **cost(memory=2000, minutes=240),
        params:
            content=file_content("salient_object", PLAN.salient_object_files),
        message:
            "Finding the salient object in every image of {wildcards.dataset}, {wildcards.domain}"
        script:
            "../workflow_scripts/find_salient_objects.py"


localrules:
    addresses,


rule addresses:
    """Whether the addresses of the archives of every data set in use answer now."""
    log:
        paths.log("addresses"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        addresses={archive: [tuple(mirror[:2]) for mirror in mirrors] for archive, mirrors in PLAN.mirrors.items()},
    message:
        "Asking the addresses of archives whether they answer"
    script:
        "../workflow_scripts/addresses.py"


rule data:
    """Images, splits and packed arrays of every data set in use."""
    input:
        checked,
        per_dataset(paths.SPLITS),
        every_image,
        every_ground_truth(paths.GROUND_TRUTH),
    message:
        "All data are packed and split"


rule splits:
    """The split of every image."""
    input:
        checked,
        per_dataset(paths.SPLITS),
    message:
        "Every image has its split"
