# Letterbox. `make` alone lists what there is.

PYTHON ?= python3
INVENTORY ?= inventory.py
BENCH ?=
FLEET ?=
BIN := .venv/bin
READY := .venv/.ready
DEVELOPER := .venv/.developer

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo proof doctor renew smoke test thorough lint format lock audit clean lab-up lab-play lab-mail \
   lab-status lab-shell lab-down picture conformance senders durability fleet dkim fuzz corpus hostile-growth bench \
   bench-bucket bench-dns bench-deploy

help:  ## this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s  %s\n", $$1, $$2 }' Makefile

##@ Start here

setup: $(READY)  ## what a deploy needs, in .venv: about 15 s, once

demo: $(READY)  ## all of it on a throwaway machine: no host, no account
	@$(BIN)/python -m tests.lab demo

##@ Your hosts, with INVENTORY=~/mail/inventory.py

proof: $(READY)  ## make a one-time address and wait for a first mail to it
	@$(BIN)/python -m first_mail.proof $(if $(HOOK),--hook "$(HOOK)" )--inventory "$(INVENTORY)"

doctor: $(READY)  ## why no mail arrives: the first broken link, and its fix
	@$(BIN)/python -m first_mail.doctor --inventory "$(INVENTORY)"

renew: $(READY)  ## the certificates that are due and that no host renews
	@i="$(INVENTORY)"; case $$i in "~/"*) i="$$HOME/$${i#"~/"}";; esac; $(BIN)/pyinfra -y "$$i" renew.py

smoke: $(DEVELOPER)  ## test the live hosts from outside, as your CI may
	@$(BIN)/python -m pytest tests/smoke --inventory "$(INVENTORY)"

##@ The lab: throwaway machines, and a world that sends them mail (root)

lab-up: $(READY)  ## start it
	@$(BIN)/python -m tests.lab up

lab-play: $(READY)  ## a shell here, in which all commands work on the lab
	@$(BIN)/python -m tests.lab play

lab-mail: $(READY)  ## a message from its world, with TO=ADDRESS
	@$(BIN)/python -m tests.lab mail $(TO)

lab-shell: $(READY)  ## a shell on its mail host
	@$(BIN)/python -m tests.lab shell

lab-status: $(READY)  ## what of it runs
	@$(BIN)/python -m tests.lab status

lab-down: $(READY)  ## take it down
	@$(BIN)/python -m tests.lab down

##@ Developers

setup-dev: $(DEVELOPER)  ## what the tests need too; they also do it themselves

test: $(DEVELOPER)  ## every test, the lab included: 45 minutes
	@$(BIN)/python -m tests

lint: $(DEVELOPER)  ## ruff, and mypy in strict mode
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(DEVELOPER)  ## put the code in form
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

thorough: $(DEVELOPER)  ## deploys killed in every step, 63 breaks: an hour
	@LETTERBOX_THOROUGH=1 $(BIN)/python -m pytest tests/provision/runs/test_interrupted.py \
	  tests/provision/runs/test_upgrade.py \
	  tests/first_mail/test_breaks.py tests/smoke/test_runs.py tests/smoke/test_workflows.py \
	  tests/lab/screen/test_newcomer.py tests/services/renewal/test_interrupted.py tests/tls/test_rollover.py \
	  tests/tls/test_mta_sts_hosts.py tests/receiver/sender_checks/test_memory.py tests/dns/cloudflare/workerd \
	  tests/caches/test_policies.py tests/caches/test_policy_changes.py
	@$(BIN)/python -m tests.receiver.checks.dkim.differential

conformance: $(DEVELOPER)  ## SMTP dialogues, beside other receivers (root)
	@$(BIN)/python -m tests.conformance --ours --peers --why

senders: $(DEVELOPER)  ## real senders deliver: Postfix, Exim, swaks, … (root)
	@$(BIN)/python -m tests.conformance.senders

durability: $(DEVELOPER)  ## 400 kills, 600 power cuts, every disk fault (root)
	@$(BIN)/python -m tests.receiver.durability

fleet: $(DEVELOPER)  ## two MX before Ceph, 108 kills: nothing lost (root)
	@$(BIN)/python -m tests.fleet $(FLEET)

dkim: $(DEVELOPER)  ## 50,000 signed messages, beside mailauth and dkimpy
	@$(BIN)/python -m tests.receiver.checks.dkim.differential

fuzz: $(DEVELOPER)  ## a bounded run of the fuzz targets
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements-fuzz.lock \
	  || echo "make: atheris cannot be installed for this Python: by chance, without coverage"
	@$(BIN)/python -m tests.receiver.fuzz.conversation --runs 1000000 --seconds 60
	@$(BIN)/python -m tests.receiver.fuzz.reading --runs 1000000 --seconds 60
	@$(BIN)/python -m tests.receiver.fuzz.tls_reports --runs 1000000 --seconds 60

corpus: $(DEVELOPER)  ## mail of published test sets, beside other readers
	@$(BIN)/python -m tests.receiver.corpus

hostile-growth: $(DEVELOPER)  ## the time that hostile mail takes, by its size
	@$(BIN)/python -m tests.receiver.hostile_growth

bench: $(DEVELOPER)  ## durable mail a second, beside Postfix (root)
	@$(BIN)/python -m benchmarks.mail $(BENCH)

bench-bucket: $(DEVELOPER)  ## the promise of the bucket, beside the store alone
	@$(BIN)/python -m benchmarks.bucket $(BENCH)

bench-dns: $(DEVELOPER)  ## dns.sync, octoDNS and lexicon side by side
	@$(BIN)/python -m benchmarks.dns_tools

bench-deploy: $(DEVELOPER)  ## how long a deploy takes, beside Ansible
	@$(BIN)/python -m benchmarks.deploy

picture: $(DEVELOPER)  ## docs/first-mail.svg anew, from a real run in the lab
	@$(BIN)/python -m tests.lab picture

lock: $(DEVELOPER)  ## the dependencies anew, with hashes, all older than a week
	@$(COMPILE) --group dev pyproject.toml -o requirements.lock
	@$(COMPILE) pyproject.toml -o requirements-host.lock
	@$(COMPILE) --group control -o requirements-control.lock
	@$(COMPILE) --group fuzz -o requirements-fuzz.lock
	@$(COMPILE) --group renewal -o requirements-renewal.lock
	@$(COMPILE) --group resolver -o requirements-resolver.lock
	@$(COMPILE) --group hooks -o requirements-hooks.lock
	@$(COMPILE) --group bucket -o requirements-bucket.lock
	@$(COMPILE) --group lifecycle -o requirements-lifecycle.lock

# --strict: a dependency that the service does not know fails, too. Without it, no answer would pass as a good one.
audit: $(DEVELOPER)  ## whether a dependency has a known vulnerability
	@for lock in requirements*.lock; do echo "$$lock" && $(BIN)/uv tool run --quiet --from 'pip-audit==2.10.1' \
	  pip-audit --strict --disable-pip --require-hashes -r $$lock || exit 1; done

clean: lab-down  ## remove the lab, the environment and all caches
	@rm -rf .venv .lab .lab-fleet .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A release of the last days may be withdrawn as broken or hostile before anybody has looked at it.
COOLDOWN ?= 7 days
COMPILE := $(BIN)/uv pip compile -q --upgrade --exclude-newer "$(COOLDOWN)" --universal --python-version 3.11 \
   --generate-hashes --no-header --no-annotate

# pip installs uv alone, with its hash from the lock, and uv the rest, because it is many times faster.
# Debian and Ubuntu ship Python without venv: where we are root, it is installed, and said so.
# After `sudo make …` the environment belongs to the user all the same.
$(READY): requirements-control.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: $(PYTHON) is missing or older than 3.11: install one, or make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	  then echo "Installing python3-venv (apt-get)"; apt-get -qq update && apt-get -qq -y install python3-venv >/dev/null; \
	  else echo "make: $(PYTHON) has no venv: run 'sudo apt-get install python3-venv'"; exit 1; fi; }
	@test ! -L .venv || { echo "make: .venv is a link to an environment of somebody else: remove the link"; exit 1; }
	@echo "Setting up what a deploy needs in .venv: about 15 s, once"
	@echo "  1/3 a Python environment"
	@$(PYTHON) -m venv --clear .venv
	@echo "  2/3 uv, which installs the rest"
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-control.lock > .venv/uv.lock
	@$(BIN)/python -m pip --disable-pip-version-check -q install --require-hashes --no-deps -r .venv/uv.lock
	@echo "  3/3 pyinfra, the Cloudflare SDK and what they need"
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements-control.lock
	@touch $@
	@[ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" .venv
	@echo "Ready. Next: . .venv/bin/activate"

$(DEVELOPER): $(READY) requirements.lock
	@echo "Adding what the tests need: a few seconds, once"
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements.lock
	@touch $@
	@[ -z "$$SUDO_UID" ] || chown -R "$$SUDO_UID:$$SUDO_GID" .venv
