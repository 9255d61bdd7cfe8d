# What people said of masks, if the configuration names a study.
from align.rating.files import study_files

if CONFIGURATION.ratings:
    require_no_braces("ratings", CONFIGURATION.ratings)

    rule ratings:
        input:
            study=ancient(study_files(CONFIGURATION.ratings)),
            checkpoints=per_run(paths.CHECKPOINT),
        output:
            configured(paths.RATINGS),
        log:
            configured_log("ratings"),
        group:
            "presentation"
        conda:
            ENVIRONMENT
        resources:
            **cost(),
        params:
            study=str(CONFIGURATION.ratings),
            content=file_content("ratings", study_files(CONFIGURATION.ratings)),
        message:
            "Collecting the ratings of masks by people"
        script:
            "../workflow_scripts/ratings.py"
