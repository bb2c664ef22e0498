PYTHON ?= python3
TRIALS ?= 27
SECONDS ?= 5
NAME := first-$(shell date +%Y%m%d-%H%M%S)
BIN := .venv/bin
LOCK := requirements.lock

.PHONY: study test long faults docs lock clean

study: .venv/installed  ## install, run a short real study on Shakespeare, draw it
	$(BIN)/bardtune start $(NAME) --trials $(TRIALS) --seconds $(SECONDS)
	@echo
	@echo "its plots (open the .html files in a browser):"
	@$(BIN)/bardtune plot $(NAME) --format html,png --out plots

test: .venv/installed-dev  ## install, lint, type-check, test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist worksteal --durations=5

faults: .venv/installed-dev  ## 1,000 kills, 20 rounds of ten processes that want one study, 20 of four workers at the cap
	OMP_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist worksteal -m long --durations=0 -o log_cli=true -rA tests/faults

long: .venv/installed-dev  ## the tests that take minutes
	$(BIN)/pytest -q -m long

docs: .venv/installed-dev  ## renew what documents repeat of the code: tables and the module tree
	cd tests && ../$(BIN)/python -m support.documents --write

lock:  ## write the lock file anew: the newest versions that pyproject.toml allows, with the torch that it names
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet $$(grep '^torch==' $(LOCK)) --editable '.[dev]'
	{ sed -n '/^#/p' $(LOCK); build/lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//'; } > build/lock.txt
	mv build/lock.txt $(LOCK) && rm -rf build/lock

clean:
	rm -rf .venv plots build *.egg-info

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bardtune needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python pyproject.toml $(LOCK)
	$(BIN)/pip install --quiet --constraint $(LOCK) --editable .
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml $(LOCK)
	$(BIN)/pip install --quiet --constraint $(LOCK) --editable '.[dev]'
	@touch $@ .venv/installed
