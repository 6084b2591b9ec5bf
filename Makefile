# `make demo` and `make test` do all the set-up on a fresh Debian, Ubuntu or Fedora with Python 3.11 or newer.
#   demo      the dashboard over simulated nodes          check   lint, types, import contracts, playbooks, shell scripts
#   test      all tests but the lab's                     bench   the benchmarks, each against its peers
#   lab-test  tests on real systemd nodes (docs/LAB.md)   clean   remove the environment and all caches
# ARGS goes to the program: make demo ARGS="--nodes 50", make test ARGS="-k inventory"

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# Tests wait more than they compute.
WORKERS := $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
# Programs of the environment (ansible, clush) are found first; sbin is where sshd and dockerd are.
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH:/usr/sbin:/sbin"

TEST_NEEDS := ssh ssh-keygen ssh-agent sshd rsync tmux busybox dash ping free git patch
LAB_NEEDS := ssh ssh-keygen rsync tmux tc debootstrap dockerd
BENCH_NEEDS := ssh ssh-keygen sshd btop fping pdsh node_exporter parallel debootstrap dockerd
SCRIPTS := .ci/run tests/needs.sh tests/lab/lab gridtui/posture/question.sh playbooks/roles/guard/files/guard
# Run on nodes by whatever their /bin/sh is.
NODE_SCRIPTS := $(wildcard playbooks/roles/*/files/*.sh) $(wildcard gridtui/jobs/runner/*.sh) $(wildcard gridtui/jobs/sandbox/*.sh)

.PHONY: demo test lab-test check lint types contracts playbooks scripts bench pictures venv clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	$(BIN)/gridtui demo $(ARGS)

test: $(VENV)/.dev
	tests/needs.sh $(TEST_NEEDS)
	$(IN_VENV) pytest --ignore=tests/lab --numprocesses=$(WORKERS) --dist=loadfile $(ARGS)

# The lab is left up if it was up before.
lab-test: $(VENV)/.dev
	tests/needs.sh $(LAB_NEEDS)
	$(IN_VENV) pytest tests/lab --numprocesses=2 --dist=loadfile $(ARGS)

check: lint types contracts playbooks scripts

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

playbooks: $(VENV)/.dev
	$(IN_VENV) ansible-lint --offline playbooks

scripts:
	tests/needs.sh shellcheck
	shellcheck $(SCRIPTS)
	shellcheck --shell=sh $(NODE_SCRIPTS)

bench: $(VENV)/.dev
	tests/needs.sh $(BENCH_NEEDS)
	@failed=0; for file in $$(grep -l '__main__' benchmarks/*.py); do \
		echo "== $$file"; name=$${file#benchmarks/}; \
		$(IN_VENV) python -m "benchmarks.$${name%.py}" $(ARGS) || failed=1; \
	done; exit $$failed

# The pictures of the README and the guides, from the running program.
pictures: $(VENV)/.dev
	$(BIN)/python docs/pictures.py

venv: $(VENV)/.dev

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "gridtui needs Python 3.11 or newer; if you have one: make PYTHON=/its/path" >&2; exit 1; }
	tests/needs.sh $(PYTHON)-venv
	$(PYTHON) -m venv $(VENV)

# What the program needs to run, and with the tools and tests on top; both follow pyproject.toml.
$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# Dependency groups came with pip 25.1.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	touch $(VENV)/.runtime $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis .make
	find . -name __pycache__ -prune -exec rm -rf {} +
