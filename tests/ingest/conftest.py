"""What the tests of the ingest share: a table built from given files, with the defaults of the config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from evenly.config import SourceConfig
from evenly.executor import InProcess
from evenly.formats import list_parts, read_label_names
from evenly.ingest import TABLE
from evenly.store import Artifact, Files, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evenly.executor import Executor


NOT_PARAMETERS = {"files", "storage_options", "dataset", "subset", "revision", "database", "query"}


@dataclass(frozen=True)
class Built:
    """A built table and short ways to what is in it."""

    artifact: Artifact

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the manifest."""
        return self.artifact.facts

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes of the manifest."""
        return self.artifact.manifest.notes

    @property
    def names(self) -> list[str]:
        """Label names by id."""
        return read_label_names(self.artifact.path)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All rows, labels as names."""
        names = self.names
        rows = [row for part in list_parts(self.artifact.path) for row in pq.read_table(part).to_pylist()]
        return [row | {"labels": [names[label] for label in row["labels"]]} for row in rows]

    @property
    def rejects(self) -> list[dict[str, Any]]:
        """All rejects."""
        rejects: list[dict[str, Any]] = pq.read_table(self.artifact.path / "rejects.parquet").to_pylist()
        return rejects


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Built]:
    """Return a function that builds a table from files and settings."""

    def run(
        *files: Path,
        text: tuple[str, ...] = ("text",),
        labels: str | tuple[str, ...] | dict[str, Any] = "label",
        store: Path | None = None,
        executor: Executor | None = None,
        **settings: Any,
    ) -> Built:
        named = labels if isinstance(labels, dict) else {"columns": labels}
        given = {"files": list(map(str, files)), "text": list(text), "labels": named} | settings
        params = SourceConfig.model_validate(given).model_dump(mode="json", exclude=NOT_PARAMETERS)
        return Built(
            Store(store or tmp_path / "store").build(
                TABLE,
                params=params,
                inputs={"files": Files(files)},
                executor=executor or InProcess(),
            )
        )

    return run
