# Qingting 傾聽: the four commands of daily work.
#   make run    a demonstration on http://localhost:8000 (PORT=8123 make run for another port)
#   make test   every test, on SQLite and on PostgreSQL, browser included
#   make bench  speed and size, written to instance/bench.json
#   make lint   ruff, mypy, import-linter

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup

.PHONY: run test bench lint lock
.DEFAULT_GOAL := run

run: .venv/run.stamp
	@exec $(BIN)/python -m portal.run --port $(PORT)

test: .venv/dev.stamp
	@$(BIN)/python -m tests.browser
	QINGTING_TEST_DB=sqlite $(PYTEST)
	QINGTING_TEST_DB=postgresql $(PYTEST)

bench: .venv/dev.stamp
	$(BIN)/python -m tests.bench

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Exact versions and hashes, without addresses; the ranges are in pyproject.toml.
lock: .venv/dev.stamp
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url \
	  --extra postgres --extra redis pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url \
	  --extra postgres --extra redis --extra dev pyproject.toml -o requirements-dev.txt

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: .venv/bin/python requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/bin/python requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch .venv/run.stamp $@
