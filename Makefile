# The verbs of the project; README.md says what each does.
# Only this file and requirements.lock are needed to set a machine up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export RUNTIME__DLTHUB_TELEMETRY := false

.DEFAULT_GOAL := help
.PHONY: help setup demo migrate test lint lint-python lint-sql format db-url stop clean docs report desk bench

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3.11." >&2; exit 2; }
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq python3-venv && $(PYTHON) -m venv --clear $(VENV); } || \
	  { echo "error: this Python has no venv module; install it (Debian: apt-get install python3-venv)." >&2; exit 2; }
	@echo "installing the pinned packages into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --config-settings editable_mode=compat --editable .
	@touch $@

setup: $(STAMP) ## make the virtual environment with the pinned packages

demo: $(STAMP) ## fresh machine to finished migration of the bundled sample account
	@$(BIN)/python -m loaders.migrate demo

migrate: $(STAMP) ## the same with your own account or export files and database
	@$(BIN)/python -m loaders.migrate migrate

test: lint ## everything .ci/run checks
	@$(BIN)/python -m pytest --numprocesses=3 --dist=loadgroup --no-loadscope-reorder $(PYTEST_ARGS)

lint: $(STAMP) ## formatter, linters, type check, dbt parse with warnings as errors
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-sql lint-python

lint-python: $(STAMP)
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/yamllint --strict .

lint-sql: $(STAMP)
	@$(BIN)/python -m loaders.migrate lint

format: $(STAMP) ## let ruff and sqlfluff rewrite what they can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/sqlfluff fix --quiet models macros tests || true

db-url: $(STAMP) ## URL of the database in use
	@$(BIN)/python -m loaders.database url

stop: $(STAMP) ## stop what demo started
	@$(BIN)/python -m loaders.migrate stop

clean: ## stop and remove everything that make created
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m loaders.migrate clean; fi
	@rm -rf $(VENV) .local target logs build profiles.yml .user.yml *.egg-info \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis .sqlfluff_cache

docs: $(STAMP) ## the mapping review as one HTML page
	@$(BIN)/python -m loaders.migrate docs

report: $(STAMP) ## the report of the last run as one HTML page
	@$(BIN)/python -m report

desk: $(STAMP) ## the review desk: a local page for those who decide (Ctrl-C ends it)
	@$(BIN)/python -m desk $(DESK_ARGS)

bench: $(STAMP) ## speed at 10,000 to 1,000,000 records (BENCH_ARGS="--sizes 10000" for a short one)
	@$(BIN)/python -m benchmarks $(BENCH_ARGS)
