# The two commands of the README: `make demo` and `make test`. Each does all of its own set-up.
# Needs: Python 3.11 or newer, git, make, python3-venv. `make test` also installs Debian packages (root or sudo).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := beffroi cloud core decoders edge grafana provisioning simulator territories tests
DEBIAN_PACKAGES := mosquitto openssl chromium strace docker-compose
DEMO_ARGS ?=
PYTEST_ARGS ?= -n 3 --dist worksteal
INFLUXDB_VERSION := 1.8.10
INFLUXD := $(or $(BEFFROI_INFLUXD),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/beffroi/influxd-$(INFLUXDB_VERSION))

.PHONY: help install install-dev system influxdb fmt lint types layers check test unit demo lock clean

help:
	@echo "make demo      the whole road on this machine; then open http://127.0.0.1:8090 (Ctrl-C stops it)"
	@echo "make test      everything that CI runs (installs Mosquitto, Chromium and InfluxDB where they are missing)"
	@echo "make check     formatting, lint, types, layers; make unit: the fast tests alone"
	@echo "make fmt       format the code; make lock: renew the pinned versions"

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: beffroi needs Python 3.11 or newer; hint: make PYTHON=python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "error: no virtual environment; hint: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	@touch $@

system:
	@missing=; \
	for name in $(DEBIAN_PACKAGES); do PATH="$$PATH:/usr/sbin" command -v $$name >/dev/null || missing="$$missing $$name"; done; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	  $$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

influxdb: $(INFLUXD)

# Debian's own influxdb (1.6) has no /api/v2/write. Go is not always on the PATH of those who have it.
$(INFLUXD):
	@set -e; PATH="$$PATH:/usr/local/go/bin:/usr/lib/go/bin"; export PATH; \
	if ! command -v go >/dev/null; then \
	  echo "installing golang-go"; \
	  root=; [ "$$(id -u)" = 0 ] || root=sudo; \
	  $$root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$root apt-get install -y -qq --no-install-recommends golang-go git ca-certificates >/dev/null; \
	fi; \
	echo "building InfluxDB $(INFLUXDB_VERSION) (about a minute)"; \
	mkdir -p "$(dir $(INFLUXD))"; \
	built=$$(mktemp -d "$(dir $(INFLUXD))building-XXXXXX"); \
	trap 'rm -rf "$$built"' EXIT; \
	GOBIN="$$built" go install -ldflags "-s -w -X main.version=$(INFLUXDB_VERSION)" github.com/influxdata/influxdb/cmd/influxd@v$(INFLUXDB_VERSION); \
	mv "$$built/influxd" "$(INFLUXD)"

fmt: install-dev
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: install-dev
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: install-dev
	$(BIN)/mypy

layers: install-dev
	$(BIN)/lint-imports

check: lint types layers

unit: install-dev
	$(BIN)/pytest tests/unit tests/contract tests/property $(PYTEST_ARGS)

test: system influxdb check
	$(BIN)/pytest $(PYTEST_ARGS)

demo: install
	$(BIN)/beffroi demo $(DEMO_ARGS)

lock: install-dev
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe \
	  --extra all --all-build-deps --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe \
	  --constraint requirements.lock --extra dev --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
