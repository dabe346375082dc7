# Every target installs what it needs into $(VENV) first.
VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
DATA ?= $(BIOTRANSFER_DATA)
WITH_DATA = $(if $(DATA),--data $(DATA),)

.PHONY: help demo test quick lint check bench fuzz docs notebooks pictures wheel clean

help:
	@echo "make demo    install, then run the main job to a report, on recordings within the package"
	@echo "make test    install, then run all tests"
	@echo "make quick   the tests that take seconds"
	@echo "make lint    style, docstrings, types"
	@echo "make check   lint and test: what CI runs"
	@echo "make bench   measurements, printed as tables (DATA=folder of recordings)"
	@echo "make fuzz    20,000 mutated inputs: none may end otherwise than in a result or a refusal"
	@echo "make chaos   hours of kills, writers at once, dying workers, thousands of studies, damaged state"
	@echo "make docs    the documentation as a site, in docs/_build/html; links checked"
	@echo "make notebooks  every notebook run and stored with what it shows"
	@echo "make pictures  its pictures anew, from studies that are run for them"
	@echo "make wheel   build the wheel, run it outside the checkout"
	@echo "make twice   build twice, compare the bytes"
	@echo "make fresh   the wheel in fresh environments: Python 3.11 to 3.13, lowest and newest versions"
	@echo "make sbom    list what an installation holds (CycloneDX), in sbom.json"
	@echo "make audit   known advisories against it"

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
	-$(PIP) -e ".[fuzz]"
	$(BIN)/python benchmarks/fuzz.py

chaos: $(VENV)/.dev
	$(BIN)/python benchmarks/chaos_kills.py
	$(BIN)/python benchmarks/chaos_damages.py

docs: $(VENV)/.dev
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html
	$(BIN)/python docs/links.py docs/_build/html

notebooks: $(VENV)/.dev
	$(BIN)/python docs/notebooks.py

pictures: $(VENV)/.dev
	$(BIN)/biotransfer run quickstart --out docs/_build/study
	$(BIN)/biotransfer run quickstart --out docs/_build/more --set seeds=3 --set moved=true --set "budget.seconds=[2,12]" \
	  --set "arms=[scratch,transferred,frozen_body,permuted,shuffled_source,noise_source]"
	$(BIN)/python docs/pictures.py docs/_build/study docs/_build/more

dist: $(VENV)/.dev
	rm -rf dist build
	umask 022 && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m build --outdir dist .

wheel: dist
	$(PYTHON) -m venv $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	cd $(VENV)-wheel && bin/biotransfer run quickstart --smoke --out smoke-$$(date +%s)

twice: $(VENV)/.dev
	$(BIN)/python supply/twice.py

$(VENV)-tools/.tools: constraints.txt
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	  cyclonedx-bom pip-audit uv
	@touch $@

fresh: dist $(VENV)-tools/.tools
	PATH="$(abspath $(VENV)-tools/bin):$$PATH" $(BIN)/python supply/fresh.py dist/*.whl

sbom: wheel $(VENV)-tools/.tools
	$(VENV)-tools/bin/cyclonedx-py environment $(VENV)-wheel/bin/python --pyproject pyproject.toml \
	  --output-reproducible --output-format JSON --output-file sbom.json

audit: wheel $(VENV)-tools/.tools
	$(VENV)-tools/bin/pip-audit --strict --path $$($(VENV)-wheel/bin/python -c "import site; print(site.getsitepackages()[0])")

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
