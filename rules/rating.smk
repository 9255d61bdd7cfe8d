# What people said of masks, if the configuration names a study. Without one, the table of ratings is empty.
from align.rating.files import study_files

STUDY = CONFIGURATION.ratings


rule ratings:
    input:
        study=[ancient(path) for path in study_files(STUDY)] if STUDY else [],
        checkpoints=per_run(paths.CHECKPOINT) if STUDY else [],
    output:
        configured(paths.RATINGS),
    log:
        configured_log("ratings"),
    conda:
        ENVIRONMENT
    resources:
        **cost(),
    params:
        study=str(STUDY) if STUDY else None,
        content=file_content("ratings", study_files(STUDY) if STUDY else []),
    message:
        "Collecting the ratings of masks by people"
    script:
        "../workflow_scripts/ratings.py"
