# Each target installs what it needs, once; after the first run none of them needs the network.
.DEFAULT_GOAL := help
.PHONY: help setup demo train-demo vsix test e2e check docs clean

PYTHON ?= python3
# Test processes; each of them runs models with two threads.
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TRAINING := $(VENV)/.training
# Kept, so that nobody compiles it twice.
WHEELS := .cache/compiled
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	@# No images: a part of llama.cpp that nothing here uses need not be compiled.
	@echo "Installing midfill; llama.cpp is compiled for this processor, which takes some minutes the first time."
	@mkdir -p $(WHEELS)
	@CMAKE_ARGS="-DLLAVA_BUILD=OFF $$CMAKE_ARGS" $(BIN)/pip wheel --quiet --no-deps \
		--find-links $(WHEELS) --wheel-dir $(WHEELS) llama-cpp-python
	$(BIN)/pip install --quiet --find-links $(WHEELS) --editable '.[dev]'
	@touch $@

# PyTorch first and alone: what depends on it must not choose another build.
$(TRAINING): $(INSTALLED)
	$(BIN)/pip install --quiet torch
	$(BIN)/pip install --quiet --editable '.[training,dev]'
	@touch $@

setup: $(INSTALLED)  ## virtual environment and default model
	@$(BIN)/midfill model pull

demo: setup  ## complete code in examples/ with the default model
	@sh examples/demo.sh $(BIN)/midfill

train-demo: setup $(TRAINING)  ## three projects become a small model that the server completes with, in minutes
	sh training/runs/train-demo.sh $(BIN)

vsix:  ## the extension for VS Code; needs Node.js
	@bash tests/e2e/install/code_server_extension.sh

test: setup $(TRAINING)  ## unit and integration tests, with the real model
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

e2e: setup vsix  ## real editors and peers
	cd editors/vscode && npm run --silent check && npm test --silent
	$(BIN)/python -m pytest -m e2e tests/e2e

check: $(TRAINING)  ## lint, format, types, contents of the wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	rm -rf dist && $(BIN)/python -m build --quiet --no-isolation --wheel && $(BIN)/check-wheel-contents dist

docs: $(INSTALLED)  ## write the generated parts of the documentation again
	$(BIN)/python docs/generate.py

clean:  ## remove what was built; downloaded models stay
	rm -rf $(VENV) .cache dist .mypy_cache .ruff_cache .pytest_cache
