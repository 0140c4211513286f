"""A first config for whatever a person calls their table: a file, a glob, a URL, a folder, a database, a data set.

In: that name, as it is given to `evenly init` and `evenly inspect`. Out: a config whose source is where the rows
are, with the columns that were guessed. What has to be fetched for the guess is kept where a run looks for it.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from evenly.config import RunConfig
from evenly.errors import ConfigError, DataError
from evenly.ingest import DatasetSource, FileSource, QuerySource, guess_source
from evenly.ingest.files import FORMATS, format_of
from evenly.ingest.remote.hub_dataset import SPLIT_COLUMN, has_split_column, is_saved_dataset
from evenly.progress import Started, emit

__all__ = ["FirstConfig", "guess_config", "name_source"]

_DATABASE = re.compile(r"(sqlite|postgres|postgresql|mysql|mariadb|mssql|oracle|duckdb|snowflake|bigquery)(\+\w+)?://")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SQLITE_MAGIC = b"SQLite format 3\x00"
_HEAD_ROWS = 10_000


@dataclass(frozen=True)
class FirstConfig:
    """A config, and for each field that was guessed the reason; `columns` are the label columns."""

    config: RunConfig
    reasons: dict[str, str] = field(default_factory=dict)


def guess_config(table: str, *, store: Path, query: str | None = None) -> FirstConfig:
    """Look at the first rows of a table and return a config for it.

    Parameters
    ----------
    table
        What `name_source` takes; paths are relative to the working directory.
    store
        The store of the config; what is fetched goes to its ``sources/``.
    query
        Where `table` is a database: the SQL whose rows are the table.

    Raises
    ------
    EvenlyError
        There is no such table, it cannot be read, or it does not show which column has the text or the labels.
    """
    place = name_source(table, query)
    with tempfile.TemporaryDirectory(prefix="evenly-") as scratch:
        first = _fetch_first(place, store / "sources", Path(scratch))
        guess = guess_source(first)
        settings, reasons = guess.settings(), dict(guess.reasons)
        if "files" not in place:
            settings["format"] = "auto"
            reasons.pop("files", None)
        if has_split_column(first):
            settings["split"] = SPLIT_COLUMN
            reasons["split"] = "the splits of the data set"
    return FirstConfig(RunConfig.model_validate({"source": place | settings, "store": str(store)}), reasons)


def name_source(table: str, query: str | None = None) -> dict[str, Any]:
    """Return which fields of `evenly.config.SourceConfig` say where the rows of a table are.

    Parameters
    ----------
    table
        A file, a glob, a URL, a folder of files, a data set (a folder of `save_to_disk`, or a hub name), or the
        connection string of a database.
    query
        Of a database.

    Raises
    ------
    ConfigError
        A database comes without a query, or a query without one.
    DataError
        A folder holds no table, or tables of several formats.
    """
    path = Path(table)
    if query is not None:
        if not _DATABASE.match(table) and not table.startswith("$"):
            raise ConfigError(
                f"--query asks a database, and {table} is none. Name it by its connection string, such as "
                f"sqlite:///{path.name} or postgresql://$USER:$PASSWORD@host/name."
            )
        return {"database": table, "query": query}
    if _DATABASE.match(table):
        raise ConfigError('A database needs a query that gives the rows: --query "select text, label from ..."')
    if path.is_file() and _is_sqlite(path):
        raise ConfigError(_ask_for_query(path))
    if path.is_dir():
        return {"dataset": table} if is_saved_dataset(path) else {"files": [_glob_of(path)]}
    if not path.exists() and _HUB_NAME.fullmatch(table) and format_of(table) is None and path.suffix != ".zip":
        return {"dataset": table}
    return {"files": [table]}


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC


def _ask_for_query(path: Path) -> str:
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        rows = connection.execute("select name from sqlite_master where type in ('table', 'view') order by name")
        tables = [name for (name,) in rows]
    except sqlite3.DatabaseError:
        tables = []
    finally:
        connection.close()
    holds = f" It has the tables {', '.join(tables)}." if tables else ""
    return (
        f"{path} is an SQLite database.{holds} Say which rows are the table: "
        f'evenly init sqlite:///{path} --query "select ..."'
    )


def _glob_of(folder: Path) -> str:
    """Return the glob of the tables in a folder."""
    endings = {path.suffix for path in folder.iterdir() if path.is_file() and path.suffix.lower() in FORMATS}
    if len(endings) != 1:
        holds = f"tables of several endings ({', '.join(sorted(endings))})" if endings else "no table"
        raise DataError(f"The folder {folder} holds {holds}. Name the files themselves, or a glob ('{folder}/*.csv').")
    return str(folder / f"*{endings.pop()}")


def _fetch_first(place: dict[str, Any], sources: Path, scratch: Path) -> Path:
    """Return a local file with the first rows."""
    emit(Started("table"))
    if "query" in place:
        return QuerySource(place["database"], place["query"], _HEAD_ROWS).fetch(scratch)[0]
    if "dataset" in place:
        return DatasetSource(place["dataset"]).fetch(sources)[0]
    return FileSource(tuple(place["files"])).fetch(sources)[0]
