# On a fresh machine with Python 3.11 to 3.13, `make demo` and `make test` install what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Compiling bytecode once, at installation, halves the time it takes to import Dagster and DuckDB.
unexport PYTHONDONTWRITEBYTECODE

TESTS := centra_whistl_dagster_tests
# Tests of one part each, without Dagster and without a whole day of trade.
FAST_TESTS := $(addprefix $(TESTS)/,alerts centra cli config_files documents domain ledger screening transport whistl \
	test_architecture.py test_documents.py test_settings.py)

.PHONY: demo test check dev bench faults mutants canaries audit docs lint types imports definitions tests fast-tests format clean
.DEFAULT_GOAL := test

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed. Choose one with PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q centra_whistl_dagster
	touch $@

demo: $(VENV)/.ready
	$(BIN)/centra-whistl demo $(if $(FOR),--for $(FOR)) $(if $(SEED),--seed $(SEED)) $(if $(ORDERS_PER_MINUTE),--orders-per-minute $(ORDERS_PER_MINUTE)) $(if $(filter no,$(PUSHES)),--no-pushes)

test: lint types imports definitions tests

# The fast half of `make test`, for use while you work.
check: lint types imports fast-tests

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

imports: $(VENV)/.ready
	$(BIN)/lint-imports

# DAGSTER_HOME, since telemetry is only switched off in dagster.yaml.
definitions: $(VENV)/.ready
	mkdir -p $(VENV)/dagster && cp dagster.yaml $(VENV)/dagster/
	VIRTUAL_ENV=$(CURDIR)/$(VENV) DAGSTER_HOME=$(CURDIR)/$(VENV)/dagster $(BIN)/dg check defs

# Each file runs in one process, so that the trading day is played once. What takes longest comes first
# (conftest.py). Three processes, since tests of processes that start and end wait most of their time.
tests: $(VENV)/.ready
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

fast-tests: $(VENV)/.ready
	$(BIN)/pytest -q -n 2 --dist loadfile $(FAST_TESTS)

docs: $(VENV)/.ready
	$(BIN)/centra-whistl docs

dev: $(VENV)/.ready
	$(BIN)/centra-whistl dev

# dlt has a folder of its own, so that it changes nothing in the environment the tests run in.
$(VENV)/.bench-ready: requirements-bench.lock $(VENV)/.ready
	rm -rf $(VENV)/bench
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --target $(VENV)/bench -r requirements-bench.lock
	touch $@

bench: $(VENV)/.bench-ready
	PYTHONPATH=$(CURDIR)/$(VENV)/bench $(BIN)/centra-whistl bench

SEED ?= 1
faults: $(VENV)/.ready
	$(BIN)/pytest -m long -n 2 --dist loadfile
	$(BIN)/python -m $(TESTS).faults.run --schedules $(or $(SCHEDULES),300) --seed $(SEED) --write
	$(BIN)/python -m $(TESTS).stock_histories.run --histories $(or $(HISTORIES),3000) --seed $(SEED) --write

canaries: $(VENV)/.ready
	$(BIN)/python -m $(TESTS).canaries.run --seed $(SEED) $(if $(SECONDS_OPEN),--seconds $(SECONDS_OPEN))

# cosmic-ray has a folder of its own, like dlt.
$(VENV)/.mutants-ready: requirements-mutants.lock $(VENV)/.ready
	rm -rf $(VENV)/mutants
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --target $(VENV)/mutants -r requirements-mutants.lock
	touch $@

mutants: $(VENV)/.mutants-ready
	PYTHONPATH=$(CURDIR)/$(VENV)/mutants $(BIN)/python -m $(TESTS).mutants.run --write --seed $(SEED) $(if $(SAMPLE),--sample $(SAMPLE))

# pip-audit and cyclonedx-bom have a folder of their own, like dlt.
$(VENV)/.audit-ready: requirements-audit.lock $(VENV)/.ready
	rm -rf $(VENV)/audit
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --target $(VENV)/audit -r requirements-audit.lock
	touch $@

# The bill of materials needs no network. The vulnerabilities come from PyPI.
audit: $(VENV)/.audit-ready
	mkdir -p build
	PYTHONPATH=$(CURDIR)/$(VENV)/audit $(BIN)/python -m cyclonedx_py requirements --no-validate --output-reproducible --of JSON -o build/sbom.json requirements.lock
	PYTHONPATH=$(CURDIR)/$(VENV)/audit $(BIN)/python -m pip_audit --requirement requirements.lock --require-hashes --disable-pip

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) state state-published build dist
