# The two commands of a newcomer: `make demo` and `make test`. PYTHON names the interpreter to build from.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# uv installs the same set as pip in a tenth of the time; it does not read pip's settings, so pip is asked where uv cannot.
INSTALL = $(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '$(1)' 2>/dev/null \
	|| $(PIP) install -q -c constraints.txt -e '$(1)'

# Where this is set, every process of every test compiles all that it imports anew: five seconds each.
unexport PYTHONDONTWRITEBYTECODE

comma := ,
# Single calls in real time, each on about half a core: two of them at once disturb nobody.
CALLS := tests/e2e/test_demo.py tests/e2e/test_resume.py tests/e2e/test_personas.py tests/e2e/test_reopen.py
# Calls in rooms, on real servers, and what breaks them: several calls at once, so one test after another.
ROOMS := tests/e2e tests/chaos $(CALLS:%=--ignore=%)
NO_ROOMS := --ignore=tests/chaos $(patsubst %,--ignore=%,$(filter-out $(CALLS),$(wildcard tests/e2e/test_*.py)))
# They run while half of every core is taken by something else: what a room needs has to be there on a busy machine.
BUSY := $(BIN)/python -m tests.under_load

.PHONY: demo test rooms check fast schema clean web

demo: $(VENV)/.core
	@$(BIN)/viva demo

test: $(VENV)/.core
	@sh tests/system_packages.sh
	@$(BIN)/python -m agent.ops.servers >/dev/null 2>&1 & # the LiveKit server is built meanwhile, if it has to be
	$(MAKE) $(VENV)/.all
	$(MAKE) -j2 check web
	cd web && npm test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not voice" --durations=15
	$(BIN)/python -m pytest -m voice --durations=9 -n 2 tests $(NO_ROOMS)
	$(MAKE) rooms

# Alone: `make rooms BUSY=` on a quiet machine.
rooms: $(VENV)/.all web
	$(BUSY) $(BIN)/python -m pytest -m voice --durations=25 $(ROOMS)

# The browser app, into the package that serves it.
web: agent/service/web/index.html

agent/service/web/index.html: web/node_modules/.package-lock.json $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f)
	cd web && npm run build

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund

# Style, types and who may import whom.
check: $(VENV)/.all
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Everything that needs neither real time nor heavy engines: a few minutes.
fast: $(VENV)/.all
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not voice and not engines"

schema: $(VENV)/.core
	$(BIN)/python -m dialogue.report.schema

# The environment of the product: no torch.
$(VENV)/.core: pyproject.toml constraints.txt
	@echo "making the environment in $(VENV): once, one or two minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install -q uv || true
	@$(call INSTALL,.)
	@touch $@

# The environment of the tests: every engine.
$(VENV)/.all: $(VENV)/.core
	@echo "installing every engine for the tests (torch among them): once, one to five minutes"
	@$(call INSTALL,.[all$(comma)dev])
	@touch $@

clean:
	rm -rf $(VENV) web/node_modules agent/service/web build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
