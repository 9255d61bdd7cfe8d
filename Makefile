# `make` lists the targets. Everything is installed into .venv. An active environment is neither used nor changed.
PYTHON ?= python3
CONFIG ?= config/paper.yaml
MEASURED ?= results
MUTMUT := mutmut==3.8.1

.DEFAULT_GOAL := help
.NOTPARALLEL:
unexport PYTHONPATH PYTHONHOME

# The programs of .venv first, so that a job's `python` is the one with the library.
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"
READY := .venv/.ready
heading = @printf '\n=== %s ===\n' '$(1)'

# pip prints errors and nothing else. It compiles with one core, so it leaves that to COMPILE_ALL.
PIP_INSTALL := .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile
# Python's compiled files, made by all cores. Many containers set PYTHONDONTWRITEBYTECODE: there each job would compile all that it
# imports once more, for 2½ seconds. A library may have files for a newer Python. They cannot be compiled, and nothing imports them.
COMPILE_ALL := .venv/bin/python -m compileall -qq -j 0 .venv/lib src || true

# The options that both files made by `make lock` share.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --no-header

.PHONY: help install reproduce plan test format lint types workflow docs tests mutants bench bench-gpu lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: $(READY) ## the environment in .venv, and nothing else

reproduce: $(READY) ## data, training, evaluation, tables, figures and report of the embedded benchmark
	@$(IN_VENV) snakemake --cores all

plan: $(READY) ## jobs and expected hours of CONFIG (config/paper.yaml), estimated from MEASURED: a folder of results or a CSV of bench
	@$(IN_VENV) align plan $(CONFIG) $(MEASURED)

test: format lint types workflow docs tests ## the six checks below, one after the other

format: $(READY) ## layout of the code and of the rules
	$(call heading,format)
	@$(IN_VENV) ruff format --check
	@$(IN_VENV) snakefmt --check Snakefile rules workflow

lint: $(READY) ## ruff's checks
	$(call heading,lint)
	@$(IN_VENV) ruff check

types: $(READY) ## mypy, strict
	$(call heading,types)
	@$(IN_VENV) mypy

workflow: $(READY) ## Snakemake's own checks of the rules
	$(call heading,workflow)
	@$(IN_VENV) snakemake --lint

docs: $(READY) ## the documentation site in site/, without a network; a dead link is an error
	$(call heading,docs)
	@$(IN_VENV) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet
	@echo 'site/index.html'

tests: $(READY) ## all tests
	$(call heading,tests)
	@$(IN_VENV) OMP_NUM_THREADS=1 pytest --numprocesses 3 --dist worksteal

mutants: $(READY) ## what the tests do not notice: mutation tests of PART (all of it: hours), see CONTRIBUTING.md
	@$(IN_VENV) OMP_NUM_THREADS=1 uv run --quiet --no-project --with $(MUTMUT) mutmut run $(PART)

bench: $(READY) ## the speed on one CPU thread, as a table: artifacts/performance/cpu.csv
	@$(IN_VENV) OMP_NUM_THREADS=1 python -m benchmarks.run cpu

bench-gpu: $(READY) ## the speed on a GPU, as a table: artifacts/performance/<name of the GPU>.csv
	@$(IN_VENV) OMP_NUM_THREADS=1 python -m benchmarks.run cuda

# uv keeps the pins that still fit. To move all of them, add --upgrade to the first command.
# The second command picks the pins that the library needs without its extras. They replace those in envs/align.yaml.
lock: $(READY) ## requirements.lock and envs/align.yaml anew from pyproject.toml
	$(IN_VENV) $(COMPILE) --generate-hashes --annotation-style line --extra develop --extra slurm \
		--output-file requirements.lock pyproject.toml
	$(IN_VENV) $(COMPILE) --no-annotate --constraints requirements.lock pyproject.toml > .venv/pins
	{ sed '/^      - /d' envs/align.yaml && sed 's/^/      - /' .venv/pins; } > .venv/align.yaml
	mv .venv/align.yaml envs/align.yaml

# The stamp is written last and removed first. So an interrupted set-up starts anew.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo '$(PYTHON) cannot make an environment: Python 3.11 or newer with venv is needed' \
		'(Debian: apt-get install python3-venv; another Python: make PYTHON=python3.12 …).' >&2; exit 1; }
	@if test -e $@; then echo 'Updating .venv'; \
	else echo 'Installing into .venv (about 6.5 GB)'; $(PYTHON) -m venv --clear .venv; fi
	@rm -f $@
	@$(PIP_INSTALL) --use-pep517 --require-hashes --requirement requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@$(COMPILE_ALL)
	@touch $@
