# limi: `make run` opens the workstation, `make test` runs the tests; both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LOCK := pyproject.toml constraints.txt Makefile
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

.PHONY: run test test-all check format install install-all bench clean

$(VENV)/.created:
	@test -n "$(PYTHON)" || { echo "limi needs Python 3.11 or newer: install it or call make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created $(LOCK)
	$(PIP) install -q -c constraints.txt -e '.[demo]'
	$(BIN)/limi model fetch demo
	@touch $@

$(VENV)/.installed-all: $(VENV)/.installed $(LOCK)
	$(PIP) install -q -c constraints.txt -e '.[demo,train,eval,team,dev]'
	@touch $@

install: $(VENV)/.installed

install-all: $(VENV)/.installed-all

run: install
	@$(BIN)/limi $(ARGS)

test: install-all
	$(BIN)/python -m pytest -m 'not slow' $(ARGS)

test-all: install-all
	$(BIN)/python -m pytest $(ARGS)

check: install-all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: install-all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-all
	@for program in benchmarks/bench_*.py; do $(BIN)/python $$program || exit 1; done

clean:
	rm -rf $(VENV)
