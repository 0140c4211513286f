"""One undisturbed run, which every test copies, harms and runs again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from evenly.config import load_config
from evenly.progress import Finished, observing
from small_runs import digests, run_until, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.progress import Event


@dataclass(frozen=True)
class Run:
    """A folder with tables, a config and a store, and what an undisturbed run has made of them."""

    folder: Path
    calm: dict[str, str]

    @property
    def store(self) -> Path:
        """The store's folder."""
        return self.folder / "store"

    def artifact(self, stage: str) -> Path:
        """Return the folder of the one artifact of a stage."""
        (found,) = [path for path in (self.store / stage).iterdir() if not path.name.startswith(".")]
        return found

    def again(self, last: str = "baseline") -> list[str]:
        """Run the same again, see that it ends as the undisturbed one, and return the stages that were built anew."""
        heard: list[Event] = []
        with observing(heard.append):
            made = run_until(load_config(self.folder / "config.yaml"), last)
        assert digests(made) == {stage: self.calm[stage] for stage in made}
        return [event.stage for event in heard if isinstance(event, Finished) and not event.reused]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("undisturbed")
    return Run(folder, digests(run_until(load_config(write_run(folder)))))


@pytest.fixture
def run(undisturbed: Run, tmp_path: Path) -> Run:
    """Return a copy that the test may harm."""
    shutil.copytree(undisturbed.folder, tmp_path / "run")
    return Run(tmp_path / "run", undisturbed.calm)


@pytest.fixture
def fresh(undisturbed: Run, tmp_path: Path) -> Run:
    """Return a copy whose store is empty."""
    shutil.copytree(undisturbed.folder, tmp_path / "run", ignore=shutil.ignore_patterns("store"))
    return Run(tmp_path / "run", undisturbed.calm)
