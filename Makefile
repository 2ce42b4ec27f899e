# Every target works from a bare checkout: python3 with venv and pip is all it needs. uv is used where it is installed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
UV     := $(shell command -v uv 2>/dev/null)
# Hashes pin what is installed; --no-deps, because every dependency is listed.
INSTALL = $(if $(UV),$(UV) pip install -q --python $(BIN)/python,$(BIN)/python -m pip install -q --disable-pip-version-check)
RUN     := $(VENV)/.run-installed
DEV     := $(VENV)/.dev-installed

DOCKER ?= docker
IMAGE  ?= kubevitals

.PHONY: help demo test check fix docs deploy e2e soak cover bench fuzz plot build image image-try image-test sbom helm lock clean
help: ## show these targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: $(RUN) ## a cluster on this machine, with this machine in it (ARGS=--once prints the tables and ends)
	@$(BIN)/kubevitals demo $(ARGS)

test: $(DEV) ## every test that needs nothing but this machine
	$(BIN)/python -m pytest -n auto -m "not e2e and not scale and not soak and not image" $(ARGS)

check: $(DEV) ## formatting, lint, types, layers, known vulnerabilities of what is pinned
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python requirements/audit.py

fix: $(DEV) ## format, and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(RUN) ## the pages that are made from the code
	$(BIN)/python -m kubevitals.settings.reference > docs/flags.md
	$(BIN)/python -m docs.top_pictures
	$(BIN)/python -m docs.doctor_pictures

deploy: $(RUN) ## the manifests that are made from the code
	$(BIN)/kubevitals manifests > deploy/components.yaml
	$(BIN)/kubevitals manifests --replicas=2 > deploy/high-availability.yaml

e2e: $(DEV) ## against a real etcd and kube-apiserver, named by KUBEBUILDER_ASSETS
	$(BIN)/python -m pytest -m e2e --timeout 600 tests/e2e $(ARGS)

soak: $(DEV) ## an hour of load and faults, and a simulated day (KUBEVITALS_SOAK_SECONDS, KUBEVITALS_SOAK_HOURS for less)
	$(BIN)/python -m pytest -m soak -s tests/endurance $(ARGS)

cover: $(DEV) ## the tests with coverage
	$(BIN)/coverage run -m pytest -m "not e2e and not scale and not soak and not image and not kubectl" $(ARGS)
	$(BIN)/coverage report

bench: $(DEV) ## what it costs at 100 and 1,000 nodes, without a cluster (ARGS=rooms, ARGS="--nodes 5000", ARGS=--help)
	@$(BIN)/python -m bench $(ARGS)

fuzz: $(DEV) ## five promises against bytes that nobody means, a minute each (ARGS="decoder --seconds 600", ARGS=--help)
	$(INSTALL) --require-hashes --no-deps -r requirements/fuzz.txt
	@$(BIN)/python -m fuzz $(ARGS)

plot: $(DEV) ## draw docs/performance.json as docs/performance.svg and .png
	$(INSTALL) --require-hashes --no-deps -r requirements/plot.txt
	$(BIN)/python -m bench.plot docs/performance.json docs

build: $(DEV) ## sdist and wheel in dist/
	$(BIN)/python -m build --no-isolation -o dist .

image: ## the container image, by docker (IMAGE=name:tag, DOCKER=podman, ARGS=--build-arg=PYTHON_IMAGE=...)
	@$(DOCKER) info >/dev/null 2>&1 || { echo "make image: $(DOCKER) is not here, or its daemon does not answer. What needs none: make image-try" >&2; exit 2; }
	$(DOCKER) build -f deploy/image/Dockerfile -t $(IMAGE) --build-arg REVISION="$$(git rev-parse HEAD)" \
	  --build-arg VERSION="$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
	  --build-arg SOURCE="$$(git remote get-url origin 2>/dev/null | sed 's|//[^/@]*@|//|')" $(ARGS) .

image-try: ## make the image's root directory and try it, without a container engine (needs root)
	@PYTHON=$(PYTHON) deploy/image/try $(ARGS)

image-test: $(DEV) ## the same as tests, with the list of its contents
	$(BIN)/python -m pytest -m image tests/image $(ARGS)

sbom: ## dist/kubevitals.cdx.json: what the image has installed, in CycloneDX
	@mkdir -p dist
	PYTHON=$(PYTHON) deploy/image/install.sh .tools/image dependencies project sbom
	cp .tools/image/opt/kubevitals/sbom.cdx.json dist/kubevitals.cdx.json

helm: $(DEV) ## helm 3 and 4 in .tools, for the tests of the chart
	$(BIN)/python -m tests.chart.tools

lock: ## resolve and hash requirements/*.in anew (needs uv)
	for set in build run dev plot image fuzz; do uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --upgrade requirements/$$set.in -o requirements/$$set.txt; done

clean: ## remove what the targets above made
	rm -rf $(VENV) dist .tools/image* .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("kubevitals needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements/run.txt requirements/build.txt pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes --no-deps -r requirements/build.txt -r requirements/run.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUN)
	$(INSTALL) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@
