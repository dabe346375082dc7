# Every target installs what it needs into $(VENV) first.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DATA ?= $(BIOTRANSFER_DATA)
WITH_DATA = $(if $(DATA),--data $(DATA),)

.PHONY: help demo test quick lint check bench fuzz notebook wheel clean

help:
	@echo "make demo    install, then run the main job to a report, on recordings within the package"
	@echo "make test    install, then run all tests"
	@echo "make quick   the tests that take seconds"
	@echo "make lint    style, docstrings, types"
	@echo "make check   lint and test: what CI runs"
	@echo "make bench   measurements, printed as tables (DATA=folder of recordings)"
	@echo "make fuzz    20,000 mutated inputs: none may end otherwise than in a result or a refusal"
	@echo "make wheel   build the wheel, run it outside the checkout"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e ".[dev]"
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	$(BIN)/biotransfer demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/studies/test_workers.py
	$(BIN)/python -m pytest tests/studies/test_workers.py  # alone: it kills processes

quick: $(VENV)/.dev
	$(BIN)/python -m pytest -m "not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py $(WITH_DATA)

fuzz: $(VENV)/.dev
	$(BIN)/python benchmarks/fuzz.py

wheel: $(VENV)/.dev
	rm -rf dist build
	$(BIN)/python -m build --wheel --outdir dist .
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd $(VENV)-wheel && bin/biotransfer run quickstart --smoke --out smoke-$$(date +%s)

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
