# make install   .venv with the pinned set and evenly        make demo   the main job on real text
# make test      everything that CI runs                     make lint   the same without pytest
# make e2e-dask     a Dask scheduler and workers: the same bytes as here, workers that are killed
# make e2e-prefect  a real Prefect server and workers: deploy, trigger, hand over, reuse
# make e2e-crashes the server killed under a run: minutes, which CI does not have
# make format    let ruff mend what it can                   make clean  remove .venv and what tools leave
# make docs      build/site, warnings as errors
# make wheel     build/wheel, installed as a user does, without TensorFlow: from a CSV to shards
# make pins      write constraints.txt anew                  make pins UPGRADE=--upgrade  with the newest versions

# Any CPython 3.11 to 3.13: make install PYTHON=/path/to/python3.12. Unset, the newest on the PATH.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
PINNED := $(VENV)/.pinned
INSTALLED := $(VENV)/.installed

FITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

.PHONY: install demo test e2e-dask e2e-prefect e2e-crashes lint format docs wheel pins clean

install: $(INSTALLED)

# Made from nothing whenever the pins change, so that nothing unpinned stays behind. The stamp is written last:
# an installation that was cut short is done again.
$(PINNED): constraints.txt
	@found=; \
	for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3); do \
	  if "$$python" -c '$(FITS)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "evenly needs Python 3.11, 3.12 or 3.13 with its venv module (Debian: apt install python3-venv);" >&2; \
	  echo "tried: $(or $(PYTHON),python3.13 python3.12 python3.11 python3). Name one: make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version); installing the pinned set takes some minutes"; \
	"$$found" -m venv --clear $(VENV)
# Given twice: as a constraint too, a pin holds for the name with an extra (sqlalchemy[asyncio]), which pip asks apart.
	@$(PIP) install --require-hashes --requirement constraints.txt --constraint constraints.txt
	@touch $@

# The build backend is in the pinned set, so this step asks no registry. `pip check` finds a dependency that
# pyproject.toml asks for and constraints.txt lacks.
$(INSTALLED): $(PINNED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -m pip check || { echo "constraints.txt does not fit pyproject.toml: run make pins" >&2; exit 1; }
	@touch $@

demo: install
	@$(BIN)/evenly demo

test: lint
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

e2e-dask: install
	$(BIN)/python -m pytest -m e2e tests/e2e/test_e2e_dask.py

e2e-prefect: install
	$(BIN)/python -m pytest -m "e2e and not slow" tests/e2e/test_e2e_prefect.py

e2e-crashes: install
	$(BIN)/python -m pytest -m "e2e and slow" tests/e2e

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: install
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

# The pins without their hashes: a wheel that was made just now has none, and pip wants all or nothing.
wheel:
	rm -rf build/wheel && "$(firstword $(PYTHON) python3)" -m venv build/wheel/env
	build/wheel/env/bin/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	sed -n 's/ *\\$$//; /^[A-Za-z0-9]/p' constraints.txt > build/wheel/pins.txt
	build/wheel/env/bin/python -m pip install --quiet --constraint build/wheel/pins.txt build/wheel/*.whl
	build/wheel/env/bin/python -m pip check
	cd build/wheel && env/bin/python -W error -c "import evenly; print(evenly.__version__)" \
	  && PYTHONPATH=../../tests env/bin/python -c "import pathlib, small_tables as s; s.write_genres(pathlib.Path())" \
	  && env/bin/evenly --help > help.txt && env/bin/evenly init genres.csv \
	  && env/bin/evenly run config.yaml --until synthetic --no-prefect

# One version for every Python (`fewest`); no addresses, so that any mirror serves. The comment on top is kept.
pins: $(PINNED)
	@comment=$$(sed '/^[^#]/,$$d' constraints.txt); \
	$(BIN)/uv pip compile pyproject.toml --extra all --group dev \
	  --universal --python-version 3.11 --fork-strategy fewest $(UPGRADE) \
	  --generate-hashes --no-annotate --no-emit-index-url --no-header --quiet --output-file constraints.txt && \
	pins=$$(cat constraints.txt) && printf '%s\n' "$$comment" "$$pins" > constraints.txt

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
