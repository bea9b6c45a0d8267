# hallnet: `make demo` and `make test` need nothing but Python 3.11 or newer, pip and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
# A package mirror set for pip is used here too.
PIP_INDEX := $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
ifneq ($(PIP_INDEX),)
export UV_DEFAULT_INDEX ?= $(PIP_INDEX)
endif
UV := PYTHONPATH= VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/tools/bin/uv
PROTOS = $(shell find proto -name '*.proto' | sort)
PROTOS_OF_SERVICES = $(shell grep -l '^service ' $(PROTOS))
WIRE ?= src
PROTOC = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iproto
JOBS ?= 2
# Tests make and remove many small databases: in memory, where there is room for them.
ROOMY_MEMORY = $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print $$6}')
TESTS_IN ?= $(or $(TMPDIR),$(ROOMY_MEMORY),/tmp)

.PHONY: help demo test simulate check format proto publish-contracts lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

demo: $(VENV)/.run-ready ## Found a real network of nine halls and send cases through it (add ARGS="--keep" ...)
	@$(BIN)/hallnet demo $(ARGS)

test: $(VENV)/.dev-ready ## Run every test, on SQLite and PostgreSQL, with real NATS (add ARGS="-k name" ...)
	@TMPDIR="$(TESTS_IN)" $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

simulate: $(VENV)/.run-ready ## Live through thousands of small worlds until a promise breaks (add ARGS="--seed 1 --seeds 10" ...)
	@$(BIN)/hallnet simulate --small --days 0.15 --cases 4 --seeds 2000 --jobs 0 $(ARGS)

check: $(VENV)/.dev-ready ## Run the linters, the type checker, the import rules and the contract rules
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/buf format --diff --exit-code proto
	@$(BIN)/buf lint proto
	@$(BIN)/buf breaking proto --against proto/published.binpb

format: $(VENV)/.dev-ready ## Format the code and the contracts
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/buf format --write proto

proto: $(VENV)/.dev-ready ## Make src/hallnet/wire anew from proto/
	@find $(WIRE)/hallnet/wire -name '*_pb2*' -delete 2>/dev/null || true
	@$(PROTOC) --python_out=$(WIRE) --mypy_out=quiet:$(WIRE) $(PROTOS)
	@$(PROTOC) --grpc_python_out=$(WIRE) --mypy_grpc_out=quiet:$(WIRE) $(PROTOS_OF_SERVICES)

publish-contracts: $(VENV)/.dev-ready ## Make the contracts as they are now the ones that must not break
	@$(BIN)/buf build proto --exclude-source-info -o proto/published.binpb

COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --upgrade --custom-compile-command 'make lock'

lock: $(VENV)/.dev-ready ## Choose the newest allowed versions of all packages and pin them with their hashes
	@$(COMPILE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) --extra servers --group build pyproject.toml -o requirements/demo.txt
	@$(COMPILE) --extra servers --group dev pyproject.toml -o requirements/development.txt
	@printf 'uv\nhatchling==1.33.0\n' | $(COMPILE) - -o requirements/tools.txt

clean: ## Remove the virtual environment and everything that was built
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(VENV)/tools/bin/uv: requirements/tools.txt
	@test -n "$(PYTHON)" || { echo "hallnet needs Python 3.11 or newer, pip and make: none of python3, python3.13, python3.12, python3.11 is one. Say make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up: the package installer ..."
	@mkdir -p $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes \
	  --upgrade --target $(VENV)/tools -r requirements/tools.txt
	@touch $@

$(VENV)/bin/python: | $(VENV)/tools/bin/uv
	@echo "Setting up: a virtual environment in $(VENV) ..."
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)

$(VENV)/.run-ready: requirements/demo.txt pyproject.toml $(VENV)/tools/bin/uv | $(VENV)/bin/python
	@echo "Setting up: what hallnet needs for the demo (some 70 MB to download the first time) ..."
	@$(UV) pip install --quiet --require-hashes -r requirements/demo.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-ready: requirements/development.txt pyproject.toml $(VENV)/tools/bin/uv | $(VENV)/bin/python
	@echo "Setting up: what hallnet needs to be tested (some 150 MB to download the first time) ..."
	@$(UV) pip install --quiet --require-hashes -r requirements/development.txt
	@$(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.run-ready
