# kagents: every target that a person needs. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests/unit tests/conformance tests/simulation tests/fuzz tests/local tests/tui

.DEFAULT_GOAL := help
.PHONY: help install run test check lint types imports test-long test-claude test-kubectl test-cluster scan bench mutants generate clean
.PHONY: images cluster-up cluster-down cluster-shell

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kagents needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: install the venv module of your Python"; exit 1; }
	@echo "installing kagents into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

install: $(VENV)/.installed ## Make .venv and install kagents into it

run: install ## Open kagents-tui on the embedded engine with a demonstration team
	@$(BIN)/kagents-tui --demo-team

test: install ## Every test that needs neither root nor a cluster (under 5 minutes)
	@test -z "$$CI" || tools/install-test-packages
	@tools/run-tests -n 4 --dist loadgroup -m "not long and not claude and not kubectl and not cluster and not bench" $(TESTS)

check: lint types imports test-long test-kubectl test-claude test-cluster ## Lint, types, import contracts, long tests, real kubectl, CLI, cluster

lint: install ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: install ## mypy --strict
	@$(BIN)/mypy

imports: install ## import-linter's contracts
	@$(BIN)/lint-imports

test-long: install ## Storms, kills at every step, many teams: what needs neither root nor a cluster but its time
	@test -z "$$CI" || tools/install-test-packages
	@tools/get-promql
	@tools/run-tests -n 2 --dist loadgroup -m long $(TESTS)

test-kubectl: install ## A real kubectl against the embedded engine
	@tools/get-kubectl
	@tools/run-tests -m kubectl tests/local

test-claude: install ## The real Claude Code CLI against a scripted model on loopback
	@tools/get-claude
	@tools/run-tests -m claude tests/claude

test-cluster: install ## A real Kubernetes node: images, chart, teams in pods, faults (root; or KAGENTS_TEST_KUBECONFIG)
	@test -z "$$CI" || test -n "$$KAGENTS_TEST_KUBECONFIG" || tools/cluster/install-packages
	@tools/run-tests -m cluster tests/cluster

cluster-up: ## Start the test cluster and leave it running
	@$(PYTHON) tools/cluster/main.py up

cluster-down: ## Stop the test cluster; nothing of it stays
	@$(PYTHON) tools/cluster/main.py down

cluster-shell: ## A shell with kubectl and helm on the test cluster
	@$(PYTHON) tools/cluster/main.py shell

images: install ## Build the images kagents-runner and kagents-controller with buildah or docker
	@tools/images

scan: install ## checkov and bandit, in an environment of their own; waivers in tools/scan
	@$(BIN)/python tools/scan/main.py

bench: install ## Print the measurements beside their targets
	@$(BIN)/python -m tests.bench

mutants: install ## Change the reconciler's rules one at a time and see which changes no test notices (hours)
	@$(BIN)/python -m tests.mutation

generate: install ## Write the generated files: CRDs, reference pages, pictures
	@$(BIN)/python -m kagents_core.api.crd charts/kagents/files/crds
	@$(BIN)/python -m kagents_core.api.reference docs/reference.md
	@$(BIN)/python -m kagents_core.metrics.page docs/metrics.md
	@$(BIN)/python -m kagents_tui.cli.page docs/cli.md
	@$(BIN)/python tools/helm_values.py
	@$(BIN)/python tools/grafana_dashboard.py
	@$(BIN)/python -m kagents_tui.keys_page docs/keys.md
	@$(BIN)/python -m kagents_tui.configuration_page docs/configuration.md
	@$(BIN)/python -m kagents_tui.sample.pictures docs/images

clean: ## Remove what the targets made
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
