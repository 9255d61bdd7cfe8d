# `make` lists the targets. Everything is installed into .venv; an active environment is neither used nor changed.
PYTHON ?= python3
CONFIG ?= config/paper.yaml
MEASURED ?= results

.DEFAULT_GOAL := help
.NOTPARALLEL:
unexport PYTHONPATH PYTHONHOME

# The programs of .venv first, so that a job's `python` is the one with the library.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
READY := .venv/.ready
heading = @printf '\n=== %s ===\n' '$(1)'

.PHONY: help reproduce plan test format lint types workflow tests bench bench-gpu lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

reproduce: $(READY) ## data, training, evaluation, tables, figures and report of the embedded benchmark
	$(IN_VENV) snakemake --cores all

plan: $(READY) ## jobs and expected hours of CONFIG (config/paper.yaml) by MEASURED: a folder of results (results) or a CSV of bench
	@$(IN_VENV) python -m align.planning $(CONFIG) $(MEASURED)

test: format lint types workflow tests ## the five checks below, one after the other

format: $(READY) ## layout of the code and of the rules
	$(call heading,format)
	@$(IN_VENV) ruff format --check
	@$(IN_VENV) snakefmt --check Snakefile rules

lint: $(READY) ## ruff's checks
	$(call heading,lint)
	@$(IN_VENV) ruff check

types: $(READY) ## mypy, strict
	$(call heading,types)
	@$(IN_VENV) mypy

workflow: $(READY) ## Snakemake's own checks of the rules
	$(call heading,workflow)
	@$(IN_VENV) snakemake --lint

tests: $(READY) ## all tests
	$(call heading,tests)
	@$(IN_VENV) OMP_NUM_THREADS=1 pytest --numprocesses 2

bench: $(READY) ## what is promised of speed, measured on one CPU thread: artifacts/performance/cpu.csv
	@$(IN_VENV) OMP_NUM_THREADS=1 python -m benchmarks.run cpu

bench-gpu: $(READY) ## the same on a GPU: artifacts/performance/<its name>.csv
	@$(IN_VENV) OMP_NUM_THREADS=1 python -m benchmarks.run cuda

# uv keeps the pins that still fit; `.venv/bin/uv pip compile --upgrade …` moves all of them.
lock: $(READY) ## requirements.lock and envs/align.yaml anew from pyproject.toml
	$(IN_VENV) uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--annotation-style line --extra develop --extra slurm --output-file requirements.lock pyproject.toml
	$(IN_VENV) python -m align.environment

# Written last and removed first: an interrupted set-up starts anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo '$(PYTHON) cannot make an environment: Python 3.11 or newer with venv is needed' \
		'(Debian: apt-get install python3-venv; another Python: make PYTHON=python3.12 …).' >&2; exit 1; }
	@test -e $@ || { echo 'Installing into .venv (about 6.5 GB)'; $(PYTHON) -m venv --clear .venv; }
	@rm -f $@
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes \
		--requirement requirements.lock
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
