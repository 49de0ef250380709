# Everything happens inside the checkout, in .venv. `make demo` and `make test` need Python 3.11 or newer, no more;
# `make test` installs Debian packages where it may. See .ci/venv and .ci/packages.

PYTHON ?= python3
PYTEST ?= -n auto --maxprocesses 8 --dist worksteal
export PYTHON
run := .venv/bin/python -m

.PHONY: help demo test bench lint format clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

demo: ## a sample shop, attributed to the cent on an embedded PostgreSQL (no root, no Docker)
	@.ci/venv embedded
	@$(run) controlplane demo

test: ## every test, on every PostgreSQL that can run here; PYTEST='-k word --server=embedded18' for a quick run
	@.ci/packages
	@.ci/venv embedded,dev
	$(run) pytest $(PYTEST)

bench: ## the engine beside its floors, on PostgreSQL 18 and 15; BENCH='sale --scale full' for one, in full size
	@.ci/packages
	@.ci/venv embedded,dev,bench
	$(run) bench $(BENCH)

lint: ## ruff, mypy, sqlfluff
	@.ci/venv embedded,dev
	$(run) ruff check
	$(run) ruff format --check
	$(run) mypy --strict controlplane bench
	$(run) sqlfluff lint --disable-progress-bar sql

format: ## ruff's fixes and formatting
	@.ci/venv embedded,dev
	$(run) ruff check --fix
	$(run) ruff format

clean: ## stop the demo's server, remove .venv and caches (the demo's data stays)
	-@[ ! -x .venv/bin/ctl ] || $(run) controlplane db stop
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
