# Commands for users and developers of this checkout; tools/ does the work.
PYTHON ?= python3
CASE ?= restore_volumes
PLAY = .build/venv/bin/ansible-playbook

export ANSIBLE_CONFIG := $(CURDIR)/tools/ansible.cfg
export KINDLAB_CACHE ?= $(HOME)/.cache/kindlab
export KINDLAB_DATA ?= $(HOME)/kindlab
export KINDLAB_PROOFS ?= $(CURDIR)/.build/proofs
# Ansible needs a UTF-8 locale, which new machines may not set.
export LC_ALL := C.UTF-8
export ARGS BASE DATA ENGINE JOBS TARGETS VERSIONS YES

.PHONY: help setup demo matrix kubernetes pythons test lint galaxy sanity unit browser integration faults bench build docs ee teardown clean

help: ## Show this help
	@sed -n 's/^\([a-z ]*\):.*## /  make \1#/p' $(MAKEFILE_LIST) | column -t -s '#'

setup: ## Create the Python environment and install the collection in .build
	@$(PYTHON) tools/environment.py run
	@$(PYTHON) tools/collection.py

demo: setup ## Run a use case: CASE=restore_volumes, pod_restart, ..., or all; ARGS for ansible-playbook
	@$(PYTHON) tools/demo.py $(CASE)

matrix: kubernetes pythons ## Run what `make test` leaves out: the newest Kubernetes, and each ansible-core on each Python

kubernetes: setup ## Build the newest Kubernetes (10 minutes), and change a cluster to it with everything in it
	@ARGS='-e kindlab_newer_kubernetes=build $(ARGS)' $(PYTHON) tools/demo.py change_cluster

pythons: ## Run galaxy, sanity and unit with each ansible-core on each Python that it is tested with: VERSIONS="2.21"
	@$(PYTHON) tools/check.py pythons galaxy sanity unit

teardown: setup ## Remove the clusters of the use cases; keep volumes, backups and caches
	$(PLAY) kindlab.volumes.teardown $(ARGS)

test: ## Run what CI runs: lint, galaxy (the artifact in an empty home), sanity, unit, browser, integration, some faults
	@$(PYTHON) tools/check.py lint galaxy sanity unit browser integration faults

lint galaxy sanity unit browser integration: ## Run one part: VERSIONS="2.21", TARGETS="kind_image use_cases" JOBS=1, ARGS for pytest
	@$(PYTHON) tools/check.py $@

faults: setup ## Inject faults into clusters and backups: ARGS="kill --short", "tampering --seed 7"
	.build/venv/bin/python tests/faults $(ARGS)

bench: setup ## Compare speed with kind, kubectl, sha256sum and tar: ARGS="drain use_cases"
	.build/venv/bin/python tests/benchmark $(ARGS)

build: setup ## Build the artifact and print its path
	@$(PYTHON) tools/collection.py --only-build

docs: setup ## Build the documentation site in .build/docs, and check its links
	@$(PYTHON) tools/docs.py

ee: setup ## Prepare an execution environment in .build/ee; BASE=image builds it (ARGS="--build-arg PKGMGR=/usr/bin/apt-get"), ENGINE=podman
	@$(PYTHON) tools/execution_environment.py

clean: ## List build directory and caches; YES=1 removes them, DATA=1 also volumes and backups
	@$(PYTHON) tools/clean.py
