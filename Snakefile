# The reproduction of ALIGN (arXiv:2511.06944), from images to a report.
# `snakemake --cores all` makes everything; the configuration is config/config.yaml, or --configfile of your choice.
from snakemake.utils import min_version

min_version("9.20")


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/rating.smk"
include: "rules/presentation.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/verdict.smk"
include: "rules/report.smk"
include: "rules/page.smk"
include: "rules/versioning.smk"
include: "rules/scripts.smk"


rule all:
    default_target: True
    input:
        rules.results_page.output,
        rules.report.output,
    message:
        "Everything is made"
