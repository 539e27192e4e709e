# Letterbox. `make` alone lists what there is.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
BENCH ?=
.PHONY: help setup demo test thorough bench-deploy lint format lock audit lab-up lab-status lab-shell \
   lab-down clean conformance senders durability fuzz corpus hostile-growth bench bench-dns

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## the Python environment, from the hashed lock

# Debian and Ubuntu ship Python without venv: where we are root, it is installed, and said so.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: $(PYTHON) is missing or older than 3.11: install one, or make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then echo "Installing python3-venv (apt-get)"; apt-get -qq update && apt-get -qq -y install python3-venv >/dev/null; \
	  else echo "make: $(PYTHON) has no venv: run 'sudo apt-get install python3-venv'"; exit 1; fi; }
	@test ! -L .venv || { echo "make: .venv is a link to an environment of somebody else: remove the link"; exit 1; }
	@echo "Setting up the Python environment in .venv (once)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements.lock
	@touch $@

demo: $(READY)  ## the main job, on a throwaway machine: no host, no account
	@$(BIN)/python -m tests.lab demo

test: $(READY)  ## every test, the throwaway machine included
	@$(BIN)/python -m pytest

thorough: $(READY)  ## the long proofs: a deploy killed in every step, 63 breaks and who sees them
	@LETTERBOX_THOROUGH=1 $(BIN)/python -m pytest tests/provision/runs/test_interrupted.py \
	  tests/first_mail/test_breaks.py tests/smoke/test_runs.py tests/smoke/test_workflows.py

bench-deploy: $(READY)  ## how long a deploy takes, beside Ansible
	@$(BIN)/python -m benchmarks.deploy

conformance: $(READY)  ## SMTP dialogues: ours beside Postfix, Exim, OpenSMTPD and chasquid (root)
	@$(BIN)/python -m tests.conformance --ours --peers --why

senders: $(READY)  ## real senders deliver to ours: swaks, msmtp, curl, smtplib, Postfix, Exim (root)
	@$(BIN)/python -m tests.conformance.senders

durability: $(READY)  ## 200 kills, 300 power cuts, every fault: the numbers (root)
	@$(BIN)/python -m tests.receiver.durability

fuzz: $(READY)  ## a bounded run of the fuzz targets, guided by coverage where atheris can be had
	@$(BIN)/python -m pip --disable-pip-version-check -q install --require-hashes -r requirements-fuzz.lock \
	  || echo "make: atheris cannot be installed for this Python: by chance, without coverage"
	@$(BIN)/python -m tests.receiver.fuzz.conversation --runs 1000000 --seconds 60
	@$(BIN)/python -m tests.receiver.fuzz.reading --runs 1000000 --seconds 60

corpus: $(READY)  ## mail of published test sets: ours beside mailparser and postal-mime (pip, npm, node)
	@$(BIN)/python -m tests.receiver.corpus

hostile-growth: $(READY)  ## whether reading hostile mail takes time in proportion to its size, to 24 MiB
	@$(BIN)/python -m tests.receiver.hostile_growth

lint: $(READY)  ## ruff, and mypy in strict mode
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

proof: $(READY)  ## a one-time address on the hosts of inventory.py, and the wait for a first mail
	@$(BIN)/python -m first_mail.proof

doctor: $(READY)  ## why no mail arrives at the hosts of inventory.py: the first broken link, and its fix
	@$(BIN)/python -m first_mail.doctor

format: $(READY)  ## put the code in form
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

lab-up: $(READY)  ## start the throwaway machine and the world around it
	@$(BIN)/python -m tests.lab up

lab-status: $(READY)  ## what of the lab runs
	@$(BIN)/python -m tests.lab status

lab-shell: $(READY)  ## a shell on the throwaway machine
	@$(BIN)/python -m tests.lab shell

lab-down: $(READY)  ## take the lab down
	@$(BIN)/python -m tests.lab down

bench: $(READY)  ## durable mail a second, beside Postfix (root); BENCH="--peers all --short" for more
	@$(BIN)/python -m benchmarks.mail $(BENCH)

bench-dns: $(READY)  ## dns.sync, octoDNS and lexicon side by side
	@$(BIN)/python -m benchmarks.dns_tools

# A release of the last days may be withdrawn as broken or hostile before anybody has looked at it.
COOLDOWN ?= 7 days
COMPILE := $(BIN)/uv pip compile -q --upgrade --exclude-newer "$(COOLDOWN)" --universal --python-version 3.11 \
   --generate-hashes --no-header --no-annotate

lock: $(READY)  ## resolve the dependencies anew, with hashes; nothing younger than COOLDOWN="7 days"
	@$(COMPILE) --group dev pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml -o requirements-host.lock
	@$(COMPILE) --group fuzz -o requirements-fuzz.lock

# --strict: a dependency that the service does not know fails, too. Without it, no answer would pass as a good one.
audit: $(READY)  ## whether a dependency of any lock has a known vulnerability (pip-audit, with a network)
	@for lock in requirements*.lock; do echo "$$lock" && $(BIN)/uv tool run --quiet --from 'pip-audit==2.10.1' \
	  pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

clean: lab-down  ## the lab, the environment and all caches of this folder
	@rm -rf .venv .lab .pytest_cache .mypy_cache .ruff_cache .hypothesis
