# Two commands do it all on a fresh machine: `make demo` and `make test`. Python 3.11 to 3.13 is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is written once at installation: importing Dagster and DuckDB takes half as long then.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test dev bench lint types imports tests format clean
.DEFAULT_GOAL := test

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; PYTHON=... chooses one")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q centra_whistl_dagster
	touch $@

demo: $(VENV)/.ready
	$(BIN)/centra-whistl demo $(if $(FOR),--for $(FOR)) $(if $(SEED),--seed $(SEED)) $(if $(ORDERS_PER_MINUTE),--orders-per-minute $(ORDERS_PER_MINUTE))

test: lint types imports tests

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

imports: $(VENV)/.ready
	$(BIN)/lint-imports

# A file is one process's, so that the trading day is played once; it comes first (conftest.py).
tests: $(VENV)/.ready
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

dev: $(VENV)/.ready
	$(BIN)/centra-whistl dev

# dlt, which the history is compared with, is installed apart: the environment stays as tests know it.
$(VENV)/.bench-ready: requirements-bench.lock $(VENV)/.ready
	rm -rf $(VENV)/bench
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --target $(VENV)/bench -r requirements-bench.lock
	touch $@

bench: $(VENV)/.bench-ready
	PYTHONPATH=$(CURDIR)/$(VENV)/bench $(BIN)/centra-whistl bench

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) state build dist
