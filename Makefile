# make demo and make test need Python >= 3.10 and the package index, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
AT_RANDOM := test_P1_P3_P7_P8_P9_R1_R2_R3_R4_R5_K1_L4_hold_in_orders_drawn_at_random
FREE_THREADED := $(filter-out tests/test_benchmarks.py tests/test_docs.py,$(wildcard tests/test_*.py)) \
	tests/stateful/test_machine.py tests/traces tests/schedule/test_scheduler.py \
	tests/schedule/test_pool_schedules.py::$(AT_RANDOM)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-free-threaded verify soak lint types format wheel record schema differential defects spec mutants bench faults clean
.DELETE_ON_ERROR:

demo: $(VENV)/sim.installed  ## replay the recorded load of the example through the pool
	$(BIN)/python -m sim examples/webapp.json

test: $(VENV)/test.installed  ## run the whole test suite; ARGS="-k P7_" runs the tests of one clause
	$(BIN)/python -m pytest $(ARGS)

test-free-threaded: $(VENV)/free-threaded.installed  ## run what needs no greenlet, without a global lock: with PYTHON=python3.13t
	$(BIN)/python -c 'import sys; assert not sys._is_gil_enabled(), "this Python has its global lock"'
	PYTHON_GIL=0 $(BIN)/python -m pytest $(FREE_THREADED) $(ARGS)

verify: $(VENV)/test.installed  ## search more orders of steps than `make test` does; takes about half an hour
	$(BIN)/python -m pytest -m exhaustive --timeout 1200 --numprocesses 2 --dist worksteal $(ARGS)

soak: $(VENV)/test.installed  ## use pools in 32 threads for ten minutes, and account for every resource; ARGS=--write writes the table
	$(BIN)/python -m tests.load $(ARGS)

lint: $(VENV)/lint.installed  ## check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/lint.installed  ## check the types
	$(BIN)/mypy

format: $(VENV)/lint.installed  ## bring style and format in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

wheel: $(VENV)/python.installed  ## build the wheel, and try it in an environment of its own
	sh .ci/try-wheel $(BIN)/python

defects: $(VENV)/python.installed  ## show that the tests of the defects of 0.1.1 fail on 0.1.1
	sh .ci/try-defects $(BIN)/python

faults: $(VENV)/test.installed  ## show that the tests of mended faults fail on the code that had them; ARGS=--write writes the table
	$(BIN)/python -m tests.support.shown $(ARGS)

record: $(VENV)/sim.installed  ## record the load of the example anew; takes a minute
	$(BIN)/python examples/record_webapp.py

schema: $(VENV)/sim.installed  ## write the JSON Schema of workload files anew
	$(BIN)/python -m sim schema >sim/workload.schema.json.new
	mv sim/workload.schema.json.new sim/workload.schema.json

differential: $(VENV)/test.installed  ## compare the simulator's engines in 100,000 random cases, in some minutes
	$(BIN)/python -m tests.sim.differential $(ARGS)

spec: $(VENV)/spec.installed  ## check the specification with TLC; ARGS=--all also the large models
	$(BIN)/python -m spec $(ARGS)

mutants: $(VENV)/mutants.installed  ## change the pool's code in one place at a time, and see whether a test notices; takes long
	$(BIN)/python -m tests.mutation $(ARGS)

bench: $(VENV)/bench.installed  ## measure the pool next to others; ARGS=--write makes docs/performance.md anew, takes 8 minutes
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/python.installed:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 10), "Python 3.10 or later is needed, this is " + sys.version'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/sim.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[sim]'
	touch $@

$(VENV)/test.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[test]'
	touch $@

# The pinned Hypothesis has parts that are compiled, and not for every such Python: any version that is at hand.
$(VENV)/free-threaded.installed: pyproject.toml $(VENV)/python.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary hypothesis --editable '.[test-free-threaded]'
	touch $@

$(VENV)/spec.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[spec]'
	touch $@

$(VENV)/mutants.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[mutants]'
	touch $@

$(VENV)/lint.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[sim,fast,plot,spec,lint]'
	touch $@

# 0.1.1 goes where it does not replace this version.
$(VENV)/bench.installed: pyproject.toml constraints.txt $(VENV)/python.installed
	$(INSTALL) --editable '.[bench]'
	$(INSTALL) --upgrade --no-deps --no-binary :all: --target $(VENV)/peers ya.resourcepool==0.1.1
	touch $@
