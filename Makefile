# Two commands are enough: `make run` and `make test`. They need Python 3.11 or newer and make, nothing else.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test lint format tools lock bench chaos clean env-run env-dev

BIN := .venv/bin
# Python for the environment: make PYTHON=/path/to/python3.12 chooses another
PYTHON ?=
# words for pytest: make test ARGS='tests/unit -k codec'
ARGS ?=
UPGRADE ?=
# Two files of tests at a time; browser tests stay last. `make test AT_ONCE=` runs one after the other
AT_ONCE ?= -n 2 --dist loadfile --no-loadscope-reorder

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS='	' read -r name what; do \
	  printf '  make %-8s %s\n' "$$name" "$$what"; done

run: env-run ## start everything with a demo in this terminal; Ctrl-C stops it
	@exec $(BIN)/groundswell up

test: lint tools ## style, types and all tests, on a real Apache Kafka
	@$(BIN)/pytest $(AT_ONCE) $(ARGS)

lint: env-dev ## style, types, the page's types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/mypy --explicit-package-bases tools hatch_web.py
	@$(BIN)/python hatch_web.py check

format: env-dev ## put the code into shape
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

tools: env-dev ## Chromium, Prometheus and PostgreSQL for the tests: from PATH, else installed
	@$(BIN)/python tools/provision.py

bench: env-dev ## benchmarks
	@found=$$(ls tests/benchmarks/bench_*.py 2>/dev/null) || { echo 'no benchmark yet: tests/benchmarks/bench_*.py'; exit 0; }; \
	for one in $$found; do echo "$$one"; $(BIN)/python "$$one" || exit 1; done

chaos: env-dev ## 20 minutes of random faults on the whole pipeline, a table, and random requests: make chaos MINUTES=5 SEED=7
	@MINUTES='$(MINUTES)' SEED='$(SEED)' ONLY='$(ONLY)' $(BIN)/python -m tests.chaos
	@test -n '$(ONLY)' || FUZZ_CASES=$${FUZZ_CASES:-100} FUZZ_SEED='$(or $(SEED),random)' \
	  $(BIN)/pytest -q --timeout=3600 tests/properties/test_http_documents.py tests/properties/test_privacy.py

lock: env-dev ## write requirements/*.lock anew (make lock UPGRADE=--upgrade takes newer versions)
	@$(BIN)/python tools/locks.py $(UPGRADE)

clean: ## remove the environment and caches, not your data
	@rm -rf .venv .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache services/api/web/node_modules services/api/web/dist

env-run: .venv/bin/python
	@$(BIN)/python tools/environment.py run

env-dev: .venv/bin/python
	@$(BIN)/python tools/environment.py dev

.venv/bin/python:
	@PYTHON='$(PYTHON)' sh tools/make_venv.sh
