# Everything runs from here. Needs Python 3.11+ and make; the end-to-end tests need a Go toolchain too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# How many tests run side by side that need no control plane.
FAILOVERIP_UNIT_WORKERS ?= 2
# How many end-to-end tests run side by side: each worker has a control plane of about 400 MB.
FAILOVERIP_TEST_WORKERS ?= 2
# How many states of the model of two replicas every test run visits; `make model` visits more.
export FAILOVERIP_TEST_STATES ?= 100000
# How many worlds of virtual time every test run plays.
export FAILOVERIP_TEST_SEEDS ?= 300
# How many Pacemaker clusters run side by side: each mostly waits, and has about 400 MB.
FAILOVERIP_PACEMAKER_WORKERS ?= 4

# What searches for faults at length is not run under coverage, which makes it three times slower.
WORLDS := tests/simulation tests/model

# The decisions are the part that must have no branch which nobody tried. Only a whole run can tell.
CORE_IS_COVERED := $(BIN)/coverage report --include='*/failoverip/core/*' --fail-under=100 --format=total >/dev/null

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit worlds e2e chaos pacemaker deb bench image reference corpus model mutation clean lock

help: ## Show this list
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with the locked packages

$(STAMP): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "failoverip needs Python 3.11 or newer, and $(PYTHON) is older: set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## Run the main job on an embedded Kubernetes API: a node dies, the address moves
	@$(BIN)/failoverip demo $(DEMO_FLAGS)

test: lint unit worlds e2e pacemaker ## Run every check and test

lint: setup ## Style, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup ## Tests that need no control plane, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not e2e and not pacemaker" $(WORLDS:%=--ignore=%) \
	  -n $(FAILOVERIP_UNIT_WORKERS) --dist worksteal $(PYTEST_FLAGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report
	@$(if $(PYTEST_FLAGS),true,$(CORE_IS_COVERED)) \
	  || { echo "A test must run each branch of controller/failoverip/core: see the table"; exit 1; }

worlds: setup ## Simulated worlds and the model of two replicas: the tests that search
	$(BIN)/pytest $(WORLDS) -n $(FAILOVERIP_UNIT_WORKERS) --dist worksteal $(PYTEST_FLAGS)

e2e: setup ## Tests against a real kube-apiserver (built once, into a cache)
	-@$(BIN)/python -m tests.controlplane.build
	-@$(BIN)/python -m tests.scanners.tools
	$(BIN)/pytest -m e2e -n $(FAILOVERIP_TEST_WORKERS) --dist worksteal $(PYTEST_FLAGS)

chaos: setup ## Random rounds of the operator's processes on that kube-apiserver [ROUNDS=n SEED=s]
	-@$(BIN)/python -m tests.controlplane.build
	ROUNDS=$(ROUNDS) SEED=$(SEED) \
	  $(BIN)/pytest -m e2e tests/e2e/chaos -n $(FAILOVERIP_TEST_WORKERS) --dist worksteal $(PYTEST_FLAGS)

pacemaker: setup ## Tests of the agents on real Pacemaker clusters [ROUNDS=n SEED=s RELEASE=trixie]
	ROUNDS=$(ROUNDS) SEED=$(SEED) RELEASE=$(RELEASE) \
	  $(BIN)/pytest -m pacemaker tests/pacemaker -n $(FAILOVERIP_PACEMAKER_WORKERS) --dist worksteal $(PYTEST_FLAGS)

deb: ## Build the Debian packages of the Pacemaker agents, into dist/ (needs debhelper and dh-python)
	$(PYTHON) ocf-compat/build_deb.py

bench: setup ## Measure: ratios and distributions, as a table and JSON
	$(BIN)/python -m tests.bench $(BENCH_FLAGS)

reference: setup ## Write docs/reference.md, the help texts and the PrometheusRules anew
	$(BIN)/python -m tests.repo.reference
	$(BIN)/python -m tests.monitoring.generated

corpus: setup ## Decide the cases of tests/corpus anew and write what is decided: read the diff
	@$(BIN)/python -m tests.corpus

model: setup ## Visit all states around a move of two replicas [STATES=1000000 DEPTH=n WITHOUT="fence window"|all]
	@$(BIN)/python -m tests.model $(if $(STATES),--states $(STATES)) $(if $(DEPTH),--depth $(DEPTH)) \
	  $(if $(WITHOUT),--without $(WITHOUT))

mutation: setup ## Make small faults in the decisions and the ledger: does a test notice? [MODULES="gates ledger"]
	@$(BIN)/python -m tests.mutation $(MODULES)

image: ## Build the operator's image with docker, podman or buildah (IMAGE=NAME:TAG BASE=IMAGE)
	@$(PYTHON) container/build.py $(if $(IMAGE),--tag "$(IMAGE)") $(if $(BASE),--base "$(BASE)") $(IMAGE_FLAGS)

lock: setup ## Renew the lock files (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  --group dev --extra demo pyproject.toml -o requirements/dev.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  --extra operator pyproject.toml -o requirements/operator.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  requirements/checkov.in -o requirements/checkov.lock
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
	  --constraint requirements/dev.lock --group build pyproject.toml -o requirements/build.lock

clean: ## Remove what the targets made in this checkout
	rm -rf $(VENV) build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .bench
