"""Where the rows of a table come from, and how they become files that the stage `table` reads.

In: what the config names: files (paths, globs, URLs), a Hugging Face data set, a database with a query. Out: local
files. A source that is not here is fetched into a folder of the store, when the table is about to be built; what was
fetched counts by its content, so that an unchanged answer means that everything made of it is found again.
"""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from evenly.errors import SourceNotFoundError
from evenly.ingest.remote.credentials import is_url, public_url
from evenly.ingest.remote.fetching import fetch_once
from evenly.manifest import digest_of

__all__ = ["DatasetSource", "FileSource", "QuerySource", "Source", "find_files"]

STAGE = "table"
_COMMIT = re.compile(r"[0-9a-f]{40}")


class Source(Protocol):
    """Where rows come from."""

    @property
    def title(self) -> str:
        """A name for a person, without anything secret."""
        ...

    def fetch(self, folder: Path) -> tuple[Path, ...]:
        """Return local files with the rows, in order; `folder` is for what has to be fetched."""
        ...


@dataclass(frozen=True)
class FileSource:
    """Paths, globs and URLs, in order; `options` are those of the URLs' file systems."""

    names: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def title(self) -> str:
        """The name of the first file."""
        first = public_url(self.names[0]) if is_url(self.names[0]) else self.names[0]
        return Path(first).name

    @property
    def is_local(self) -> bool:
        """Whether nothing has to be fetched."""
        return not any(map(is_url, self.names))

    def fetch(self, folder: Path) -> tuple[Path, ...]:
        """Return the files, those behind URLs fetched; see `evenly.ingest.remote.download.download` for the errors."""
        from evenly.ingest.remote.download import download

        found = [
            path
            for name in self.names
            for path in (download(name, self.options, folder, STAGE) if is_url(name) else find_files(name))
        ]
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class DatasetSource:
    """A Hugging Face data set: a folder of `save_to_disk`, a folder that `load_dataset` opens, or a hub name."""

    name: str
    subset: str | None = None
    revision: str | None = None

    @property
    def title(self) -> str:
        """The last part of the name."""
        return Path(self.name).name

    def fetch(self, folder: Path) -> tuple[Path, ...]:
        """Return a parquet file a split; see `evenly.ingest.remote.hub_dataset.write_splits` for the errors."""
        from evenly.ingest.remote.hub_dataset import write_splits

        return fetch_once(
            folder,
            digest_of([self.name, self.subset, self.revision])[:16],
            self._fingerprint(),
            lambda target: write_splits(self.name, self.subset, self.revision, target, STAGE),
        )

    def _fingerprint(self) -> dict[str, Any] | None:
        """Return what changes when the data set does; None where only the hub could tell."""
        if Path(self.name).is_dir():
            stats = {path: path.stat() for path in sorted(Path(self.name).rglob("*")) if path.is_file()}
            return {str(path.relative_to(self.name)): [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}
        return {"commit": self.revision} if _COMMIT.fullmatch(self.revision or "") else None


@dataclass(frozen=True)
class QuerySource:
    """The rows of an SQL query; `rows` at most, where that is given."""

    database: str = field(repr=False)
    query: str
    rows: int | None = None

    @property
    def title(self) -> str:
        """Dialect, host and database."""
        from evenly.ingest.remote.sql_query import public_database

        return public_database(self.database)

    def fetch(self, folder: Path) -> tuple[Path, ...]:
        """Run the query and return its rows as a parquet file; see `evenly.ingest.remote.sql_query.write_query`."""
        from evenly.ingest.remote.sql_query import public_database, write_query

        def fill(target: Path) -> list[str]:
            write_query(self.database, self.query, target / "query.parquet", STAGE, self.rows)
            return ["query.parquet"]

        return fetch_once(folder, digest_of([public_database(self.database), self.query, self.rows])[:16], None, fill)


def find_files(pattern: str) -> list[Path]:
    """Return the local file of that name, or all that match it as a glob (``**``: folders of any depth), sorted.

    Raises
    ------
    SourceNotFoundError
        No file matches.
    """
    if Path(pattern).is_file():
        return [Path(pattern)]
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - patterns may be absolute
    found = [path for path in map(Path, matches) if path.is_file()]
    if not found:
        raise SourceNotFoundError(
            f"source.files names {pattern}, but no file matches. Paths are relative to the config's folder."
        )
    return found
