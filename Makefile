# `make demo` makes the first video; `make test` runs the tests. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

.PHONY: setup setup-dev demo test test-ollama check chaos box fuzz bench bench-routing rivals engine peers conformance format lock clean

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

# A stamp, not bin/python: that one appears long before an interrupted venv is complete.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is older than 3.11. Name a newer one: make demo PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created requirements.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

demo: setup
	$(BIN)/bookai demo

# Most tests wait for Postgres or a child: more processes than cores. The fault harness, which needs
# the machine for itself, comes last.
PROCESSES ?= 4
test: setup-dev
	$(BIN)/pytest -q -n $(PROCESSES) --dist loadfile --ignore tests/chaos
	$(BIN)/pytest -q tests/chaos

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config .importlinter
	$(MAKE) test

# The checks of the fake Ollama's protocol against a real one at OLLAMA_HOST; OLLAMA_MODEL names
# the model to ask (default: the first it lists). Skips with a reason where none answers.
test-ollama: setup-dev
	BOOKAI_TEST_OLLAMA=1 $(BIN)/pytest -q -rs --timeout 600 tests/bookai/llm/fake/test_contract.py

# Two thousand seeded runs under faults, then ten kill -9 of real ones; takes an hour or so.
chaos: setup-dev
	$(BIN)/python -m tests.chaos --count 2000
	$(BIN)/python tests/chaos/kill_nine.py --kills 10

# The installed units under a real systemd, booted beside this machine's own; as root, minutes.
box: setup-dev
	BOOKAI_TEST_BOX=1 $(BIN)/pytest -q -rs tests/box

# Hundreds of calls of every MCP tool, from its own schema and beside it; some minutes.
fuzz: setup-dev
	BOOKAI_FUZZ=300 $(BIN)/pytest -q tests/mcp_server/test_fuzz.py tests/mcp_server/test_fuzz_rooms.py

bench: setup-dev
	$(BIN)/python benchmarks/audit.py
	$(BIN)/python benchmarks/content_credentials.py
	$(BIN)/python benchmarks/first_video.py
	$(BIN)/python benchmarks/mcp_doors.py
	$(BIN)/python benchmarks/render.py
	$(BIN)/python benchmarks/routing.py
	$(BIN)/python benchmarks/llm_pool.py
	$(BIN)/python benchmarks/failover.py
	$(BIN)/python benchmarks/failover_processes.py

# Every policy in every world on twelve seeds; takes half an hour or so, and rewrites its page.
bench-routing: setup-dev
	$(BIN)/python benchmarks/routing_quality.py \
	  --chart docs/images/routing-quality.svg --page docs/why/routing-quality.md

# Rivals that benchmarks run beside ours, in an environment of their own: they want other versions.
rivals: .venv-bench/.installed
.venv-bench/.installed: requirements-bench.lock
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip --disable-pip-version-check --quiet install \
	  --require-hashes -r requirements-bench.lock
	@touch $@

# A real inference engine for the tests marked `engine`.
engine: setup-dev
	$(PIP) --require-hashes -r requirements-engine.lock

# Real third-party servers for the tests marked `peer`; needs Node 20, npm and a C++ compiler.
NODE_GYP_FLAGS ?= $(if $(wildcard /usr/include/node/node.h),--nodedir=/usr)
peers:
	mkdir -p .peers && cp tests/peers/node/package.json tests/peers/node/package-lock.json .peers/
	cd .peers && npm ci --ignore-scripts --no-audit --no-fund
	cd .peers/node_modules/better-sqlite3 && node \
	  "$$(npm root -g)/npm/node_modules/node-gyp/bin/node-gyp.js" rebuild --release $(NODE_GYP_FLAGS)

# What other implementations say of the MCP server; needs npm, and Node 22 where none comes with it.
conformance: setup-dev .conformance/.installed
	$(BIN)/pytest -q -rs -m conformance tests/mcp_server/conformance
.conformance/.installed: tests/peers/mcp_js/package.json tests/peers/mcp_js/package-lock.json
	mkdir -p .conformance && cp tests/peers/mcp_js/package.json tests/peers/mcp_js/package-lock.json .conformance/
	cd .conformance && npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Needs uv. The locks carry hashes for every platform and no index address.
lock:
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -q \
	  pyproject.toml --group build -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -q \
	  pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile --universal --generate-hashes --no-header --python-version 3.11 -q \
	  --group engine -c requirements-dev.lock -o requirements-engine.lock
	uv pip compile --generate-hashes --no-header --python-version 3.11 -q \
	  --group bench -o requirements-bench.lock

clean:
	rm -rf $(VENV) .venv-bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
