# make course    environment, every lesson executed, figures, a closing table
# make test      lint and all tests, from the same environment, those in a browser too
# make quick     lint and the fast tests: no notebook, no browser, no sandbox
# make lint      formatting, types, layers, spelling
# make soak      the tests that take long
# make lab       student editions into work/, then JupyterLab
# Run again, each does only what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
READY := $(VENV)/.ready
WORKERS ?= 2
# One lock for every Python and system that the course runs on; uv resolves, pip would do the same
# more slowly.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

export OMP_WAIT_POLICY := PASSIVE
export TF_CPP_MIN_LOG_LEVEL := 3
# Trust what the machine trusts: a university's own certificate, for one.
export UV_SYSTEM_CERTS ?= 1
# An environment that happens to be active must not be the one that is filled.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := course
.DELETE_ON_ERROR:
.PHONY: course test quick lint lint-js browser sandbox soak lab environment doctor notebooks lock clean clean-all

course: $(READY)
	@$(BIN)/python -m course_tools.cli run --figures

test: $(READY) browser sandbox lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

QUICK := tests/course_lib tests/course_tools $(wildcard tests/test_*.py)
quick: $(READY) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow" $(QUICK)

lint: $(READY) lint-js
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy course_lib course_tools
	$(BIN)/lint-imports
	$(BIN)/codespell

# JavaScript and CSS of the widgets. Without npm or its packages they go unchecked, but not in
# continuous integration.
NPM_READY := [ node_modules/.ready -nt package-lock.json ] || \
  { npm ci --silent --no-audit --no-fund && touch node_modules/.ready; } 2>/dev/null
lint-js: $(READY)
	@if $(NPM_READY); then npm run --silent lint && npm run --silent types; else \
	  echo "The JavaScript of the widgets is not checked: npm or its packages are not available."; \
	  $(BIN)/python -c 'import sys; from course_tools import system_packages; sys.exit(system_packages.is_required())'; fi

# A Chromium for the browser tests, if the machine has none.
browser: $(READY)
	@$(BIN)/python -m course_tools.chromium

# The sandbox that submissions are graded in, if the machine has none.
sandbox: $(READY)
	@$(BIN)/python -m course_tools.grading.sandbox.install

# The long ones: every lesson with several seeds, a class of 200.
soak: $(READY) sandbox
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) tests/soak

lab: $(READY)
	@$(BIN)/python -m course_tools.cli lab

doctor: $(READY)
	@$(BIN)/python -m course_tools.cli doctor

notebooks: $(READY)
	@$(BIN)/python -m course_tools.cli build

environment: $(READY)
	@echo "The environment is ready in $(VENV)."

$(READY): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "The course needs Python 3.11, 3.12 or 3.13; install one and name it: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python cannot make an environment yet; on Debian or Ubuntu run: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV); the first time that is 8 GB and a few minutes."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock && \
	  $(BIN)/uv pip install --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock || \
	  { echo "uv could not install; pip tries the same lock, more slowly."; \
	    $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

# Ask for newer versions with: make lock UPGRADE=--upgrade
lock: $(READY)
	$(LOCK) $(UPGRADE) pyproject.toml --extra test --extra grade -o requirements.lock
	echo "uv>=0.9" | $(LOCK) $(UPGRADE) - -o requirements-uv.lock

# Leaves work/ (students' files), the environment, downloaded data and the checkpoints of runs that
# are being trained (hours of them) alone.
clean:
	@mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name training -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find course_lib course_tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Leaves work/ and downloaded data alone.
clean-all: clean
	@echo "Deleting the environment $(VENV), node_modules, and build/training: the checkpoints of runs"
	rm -rf build $(VENV) node_modules gray_to_color.egg-info
