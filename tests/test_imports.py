"""What is imported when: a preparation machine has no TensorFlow, and `--help` is not the time to load anything."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

HEAVY = [
    "tensorflow",
    "keras",
    "prefect",
    "datasets",
    "sklearn",
    "transformers",
    "imblearn",
    "duckdb",
    "numba",
]


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after running the code."""
    script = f"{textwrap.dedent(code)}\nimport sys\nprint('loaded', *{{name.split('.')[0] for name in sys.modules}})"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(answer.stdout.rsplit("loaded", 1)[1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import evenly",
        "import sys; sys.argv = ['evenly', '--help']; from evenly.cli import main\ntry: main()\nexcept SystemExit: 0",
        "import evenly.export, evenly.ingest, evenly.inspect, evenly.labels",
        "import evenly.resample, evenly.tokenize, evenly.train, evenly.report",
        "import evenly.flows.steps, evenly.config, evenly.store, evenly.executor",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str) -> None:
    assert loaded_after(code).isdisjoint(HEAVY)


def test_evenly_itself_imports_none_of_its_rooms() -> None:
    assert loaded_after("import evenly").isdisjoint({"pyarrow", "numpy", "scipy", "pydantic", "rich", "typer"})


def test_the_version_is_that_of_the_installed_package() -> None:
    answer = subprocess.run([sys.executable, "-m", "evenly", "--version"], capture_output=True, text=True, check=True)
    import evenly

    assert answer.stdout.strip() == f"evenly {evenly.__version__}"
