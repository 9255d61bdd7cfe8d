#!/bin/sh
# Snakemake runs a copy of this script in the new environment, from the working directory of the workflow.
# Editable, so that jobs run the code whose hash is in their params, not the code of the day the environment was made.
set -eu
if ! grep -qs '^name = "align-reproduction"' pyproject.toml; then
    echo "No pyproject.toml of align-reproduction in $(pwd): run snakemake --sdm conda from the repository's root, without --directory." >&2
    exit 1
fi
python -m pip install --no-deps --editable .
