# The verbs of the project, and of its CI. `make test PYTHON=python3.12` chooses the interpreter.
PY = .venv/bin/python
# The longest tests first: nobody waits for them at the end.
HEAVY = tests/wheels tests/soak tests/tls tests/contracts tests/properties tests/conformance \
	tests/interop tests/browser tests/faults tests/proxies
UNIT = $(HEAVY:%=--ignore=%)
# Files stay together, and with them what is made once for each; who has nothing left takes from another.
IN_PARALLEL = -n auto --dist worksteal
# Where bytes are moved. The suites that ask both engines by themselves are not among these.
ON_EITHER_ENGINE = tests/client tests/server tests/connection tests/cli tests/demos \
	tests/app tests/test_examples.py tests/conformance tests/interop \
	tests/browser tests/faults tests/proxies tests/tls
# Of these, what is the same on any: the doctor's probes, and an application in memory.
ON_ANY_ENGINE = tests/cli/doctor tests/app/test_defaults.py
IS_NATIVE = import sys; from trunkline import native; sys.exit(native.WHY_NOT)

.PHONY: run build test check types style sanitize starve fuzz bench conformance soak

run:
	@tools/setup run
	@$(PY) -m trunkline.demos.chat

build:
	@tools/setup build

check:
	@tools/setup check
	@$(MAKE) --no-print-directory -j2 --output-sync types style

types:
	$(PY) -m mypy

style:
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	PATH="$(CURDIR)/.venv/bin:$$PATH" cython-lint src/trunkline/native
	$(PY) -m pytest -q tests/test_floors.py tests/test_sizes.py

test:
	@tools/setup test
	@$(MAKE) --no-print-directory check
	TRUNKLINE_ENGINE=asyncio tools/pytest -q $(IN_PARALLEL) $(UNIT) --cov -p tools.coverage_by_file --cov-report=
	$(PY) tools/coverage_per_file.py
	TRUNKLINE_ENGINE=asyncio tools/pytest -q $(IN_PARALLEL) $(HEAVY)
	@if $(PY) -c '$(IS_NATIVE)'; then set -x; \
	TRUNKLINE_ENGINE=native tools/pytest -q $(IN_PARALLEL) $(ON_ANY_ENGINE:%=--ignore=%) $(ON_EITHER_ENGINE); fi

sanitize:
	@tools/setup check
	tools/sanitize $(IN_PARALLEL) $(UNIT)
	tools/sanitize $(IN_PARALLEL) tests/contracts tests/properties

# Every allocation of the engine's conversations fails, one after the other: an hour and a half.
starve:
	@tools/setup check
	tools/starve

fuzz:
	@tools/setup fuzz
	tools/fuzz

conformance:
	@tools/setup check
	$(PY) tests/conformance/run.py

# 200,000 connections and 15,000 idle ones, on either engine; then applications under attack, and at their end.
soak:
	@tools/setup check
	$(PY) tests/soak/churn.py --engine native
	$(PY) tests/soak/churn.py --engine asyncio
	$(PY) tests/soak/idle.py --engine native
	$(PY) tests/soak/idle.py --engine asyncio
	$(PY) tests/soak/stalled.py
	$(PY) tests/soak/slow_http.py
	$(PY) tests/soak/drain.py
	$(PY) tests/soak/kill.py
	$(PY) tests/soak/roll.py

# QUICK=1: the rows that matter, in three minutes. SCALE=1: 100,000 connections.
bench:
	@tools/setup bench
	$(PY) benchmarks/run.py $(if $(QUICK),--quick) $(if $(SCALE),--scale)
