# `make demo` and `make test` set everything up by themselves; Python 3.11, make and git are all they need.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check check-aws build-aws aws-local format dev bench chaos ids lock clean

# The first Python from 3.11 on; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$name; break; }; done)

BIN := .venv/bin
ENV := .venv/.ready
PEER := node_modules/.ready
EMULATOR := .aws-tools/emulator/.ready

# What users give: MODEL=anthropic:... demo; ARGS="-k text" test; APP=module:attribute dev; IDS="T-1..T-22" ids
MODEL ?=
ARGS ?=
APP ?= examples.support:app
IDS ?=

help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: export MODEL := $(MODEL)
demo: $(ENV) ## the main job, with real Temporal (MODEL=provider:name for a real model)
	@$(BIN)/python -m sagents_infra.demo

test: $(ENV) $(PEER) $(EMULATOR) ## all tests (ARGS="-k word" for some)
	@PATH="$(CURDIR)/$(BIN):$(CURDIR)/.node/bin:$$PATH" \
		$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: $(ENV) ## lint, format, types, imports
	@echo "-> ruff check";   $(BIN)/ruff check
	@echo "-> ruff format";  $(BIN)/ruff format --check
	@echo "-> mypy";         $(BIN)/mypy
	@echo "-> lint-imports"; $(BIN)/lint-imports --no-logo

check-aws: $(ENV) ## what AWS's own tools say of template.yaml
	@$(BIN)/python -m tools.aws check

build-aws: $(ENV) ## the packages of template.yaml, with their bytecode and sizes (ARGS for sam build)
	@$(BIN)/python -m tools.aws build $(ARGS)

aws-local: $(ENV) ## the whole stack on this machine, and a conversation with it (ARGS=--keep leaves it running)
	@$(BIN)/python -m tools.aws_local $(ARGS)

format: $(ENV) ## put the code into shape
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

dev: $(ENV) ## dev server and worker with an example (APP=module:attribute for another)
	@SAGENTS_APP="$(APP)" $(BIN)/sagents dev $(ARGS)

bench: $(ENV) ## history, store and time per round, beside bare Temporal
	@$(BIN)/python -m benchmarks $(ARGS)

chaos: $(ENV) ## kill workers in mid-run and count what was lost
	@$(BIN)/python -m benchmarks.chaos $(ARGS)

ids: ## requirement ids that no test cites (IDS="T-1..T-22 B-6" for some)
	@$(or $(PYTHON),$(error $(NO_PYTHON))) tools/ids.py $(IDS)

# Which models' SDKs the deployed worker has beside Bedrock's
WORKER_EXTRAS := --extra anthropic --extra mcp --extra otel
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --quiet
DEPLOYED = $(subst 3.11,3.13,$(COMPILE)) --constraints requirements.lock
lock: $(ENV) ## renew the locks (ARGS=--upgrade for newer versions)
	@echo "-> requirements.lock"
	@$(COMPILE) $(ARGS) pyproject.toml --all-extras --group test --group tools --output-file requirements.lock
	@echo "-> requirements-node.lock"
	@$(COMPILE) $(ARGS) --group node --output-file requirements-node.lock
	@echo "-> requirements-aws.lock, requirements-checkov.lock, requirements-ministack.lock"
	@$(COMPILE) $(ARGS) --group aws --output-file requirements-aws.lock
	@$(COMPILE) $(ARGS) --group checkov --output-file requirements-checkov.lock
	@$(COMPILE) $(ARGS) --group ministack --output-file requirements-ministack.lock
	@echo "-> deploy/doors/requirements.txt, deploy/worker/requirements.txt"
	@$(DEPLOYED) --group doors --output-file deploy/doors/requirements.txt
	@$(DEPLOYED) pyproject.toml $(WORKER_EXTRAS) --output-file deploy/worker/requirements.txt
	@echo "-> package-lock.json"
	@$(BIN)/python tools/set_up.py node
	@PATH="$$PATH:$(CURDIR)/.node/bin" npm install --package-lock-only --ignore-scripts

clean: ## remove what the set-up and the tools made; .sagents/ stays
	rm -rf .venv .node node_modules .aws-tools .aws-sam dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

NO_PYTHON = no Python 3.11 or newer on the PATH; install one, or say `make PYTHON=/path/to/python`

$(ENV): requirements.lock pyproject.toml tools/set_up.py
	@$(or $(PYTHON),$(error $(NO_PYTHON))) tools/set_up.py packages
	@touch $@

$(PEER): package-lock.json requirements-node.lock .npmrc tools/set_up.py | $(ENV)
	@$(or $(PYTHON),$(error $(NO_PYTHON))) tools/set_up.py peer
	@touch $@

$(EMULATOR): requirements-aws.lock tools/set_up.py | $(ENV)
	@$(or $(PYTHON),$(error $(NO_PYTHON))) tools/set_up.py emulator
	@touch $@
