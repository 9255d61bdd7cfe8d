#!/bin/sh
# Snakemake runs a copy of this script in the new environment, from the working directory of the workflow.
# The installation is editable. So jobs run the code whose hash is in their params, not an older copy of it.
set -eu
if ! grep -qs '^name = "align-reproduction"' pyproject.toml; then
    echo "$(pwd) has no pyproject.toml of align-reproduction. Run snakemake --sdm conda in the repository's root, without --directory." >&2
    exit 1
fi
python -m pip install --no-deps --editable .
