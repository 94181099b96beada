# One command for each thing that a person does with this checkout; tools/ does the work.
PYTHON ?= python3
CASE ?= restore_volumes
PLAY = .build/venv/bin/ansible-playbook

export ANSIBLE_CONFIG := $(CURDIR)/tools/ansible.cfg
export KINDLAB_CACHE ?= $(HOME)/.cache/kindlab
export KINDLAB_DATA ?= $(HOME)/kindlab
export KINDLAB_PROOFS ?= $(CURDIR)/.build/proofs
# Ansible refuses to start where the terminal's encoding is not UTF-8, as on a new machine.
export LC_ALL := C.UTF-8
export ARGS DATA TARGETS VERSIONS YES

.PHONY: help setup demo test lint sanity unit integration faults bench build teardown clean

help: ## Show this
	@sed -n 's/^\([a-z ]*\):.*## /  make \1#/p' $(MAKEFILE_LIST) | column -t -s '#'

setup: ## Make the Python environment and install the collection in .build
	@$(PYTHON) tools/environment.py run
	@$(PYTHON) tools/collection.py

demo: setup ## Run a use case: CASE=restore_volumes, pod_restart, ... or all; ARGS go to ansible-playbook
	@$(PYTHON) tools/demo.py $(CASE)

teardown: setup ## Remove the clusters made here; volumes, backups and caches stay
	$(PLAY) kindlab.volumes.teardown $(ARGS)

test: ## Run all that CI runs: lint, sanity, unit, integration, and a choice of the faults
	@$(PYTHON) tools/check.py lint sanity unit integration faults

lint sanity unit integration: ## Run one part of it: VERSIONS="2.19", TARGETS="volume_info", ARGS for pytest
	@$(PYTHON) tools/check.py $@

faults: setup ## Do to clusters and backups what may go wrong: ARGS="kill --short", "tampering --seed 7"
	.build/venv/bin/python tests/faults $(ARGS)

bench: setup ## Measure against bare kind, kubectl, sha256sum and tar
	.build/venv/bin/python tests/benchmark $(ARGS)

build: setup ## Build the artifact and say where it is
	@$(PYTHON) tools/collection.py --only-build

clean: ## Say what would be removed; YES=1 removes it, DATA=1 adds volumes and backups
	@$(PYTHON) tools/clean.py
