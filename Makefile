# `make train` and `make test` need nothing but Python 3.11 to 3.13 and a network on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DOCS_BIN := .venv-docs/bin
DOCS_READY := .venv-docs/.ready
# What `make train` is given: enough for synthetic nuclei in about three minutes on two cores.
TRAIN ?= trainer.max_epochs=15

# A process a core, each with one thread; both slow down to a crawl where they share cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup train augment-preview test test-slow test-cluster lint tensorboard docs docs-reference docs-pictures lock gpu-check clean-cache

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 16

setup: $(READY)  ## create .venv with the pinned requirements

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

train: $(READY)  ## train on synthetic nuclei (TRAIN='dataset=… model=…' for anything else)
	$(BIN)/python -m segkit.train model.encoder_weights=null $(TRAIN)

augment-preview: $(READY)  ## a sheet of each augmentation group (DATA='dataset=… dataset.root=…')
	for group in $$(ls conf/augment | sed 's/\.yaml//'); do \
		$(BIN)/python -m segkit.check $(DATA) augment=$$group augment_preview=true \
			hydra.run.dir=outputs/augment/$$group || exit; done

test: $(READY)  ## the quick tests
	$(PYTEST) -m "not slow and not cluster" $(ARGS)

test-slow: $(READY)  ## the others
	$(PYTEST) -m "slow and not cluster" $(ARGS)

test-cluster: $(READY)  ## those with a real Slurm, PostgreSQL and two hosts, where Debian has them
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m cluster tests/cluster $(ARGS)

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

tensorboard: $(READY)  ## compare all runs in outputs/ in a browser
	$(BIN)/tensorboard --logdir outputs

docs: $(DOCS_READY)  ## the documentation as a site, build/site/index.html; a broken link is an error
	$(DOCS_BIN)/python -m docs.generate.site lay-out
	$(DOCS_BIN)/zensical build --clean --strict
	$(DOCS_BIN)/python -m docs.generate.site check

$(DOCS_READY): requirements-docs.txt
	$(PYTHON) -m venv --clear .venv-docs
	$(DOCS_BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
	touch $@

docs-reference: $(READY)  ## write docs/configuration.md and docs/api.md anew
	$(BIN)/python -m docs.generate.configuration
	$(BIN)/python -m docs.generate.api

docs-pictures: $(READY)  ## the pictures of docs/ (RUNS=folder DATA=folder; what is missing is told)
	$(BIN)/python -m docs.pictures $(or $(RUNS),outputs/pictures) $(or $(DATA),data) $(PICTURES)

lock: $(READY)  ## pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --group dev --upgrade pyproject.toml --output-file requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --group docs --upgrade --output-file requirements-docs.txt
	echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--no-header --python-version 3.11 - --output-file requirements-uv.txt

gpu-check: $(READY)  ## what only a GPU shows, on whatever is there: a table, and gpu.json
	$(BIN)/python -m segkit.benchmarks.gpu_check

clean-cache:  ## remove decoded data sets (they are rebuilt when needed)
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/segkit"
