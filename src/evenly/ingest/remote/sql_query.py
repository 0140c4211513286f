"""The rows of an SQL query -> one parquet file.

In: a connection string and a query. Out: the rows in the order in which the database gives them. They are read in
batches, through a cursor on the server where the database has one, so that memory is bounded. Nothing is written to
the database: SQLite is opened read-only, PostgreSQL and MySQL run the query in a read-only transaction, and nothing
is ever committed. Of the connection string no more than `public_database` shows goes into a message or a file.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from evenly.errors import (
    ConfigError,
    DataError,
    EvenlyError,
    MissingExtraError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from evenly.ingest.delimited.header import name_columns
from evenly.ingest.reading import BATCH_ROWS
from evenly.ingest.remote.credentials import expand, hide_urls
from evenly.ingest.remote.sql_columns import Spool
from evenly.ingest.structured.parquet_writer import plain_schema, write_parquet
from evenly.progress import Advanced, emit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, CursorResult, Engine

__all__ = ["public_database", "write_query"]

_DRIVERS = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
_READ_ONLY = {"mysql": "set transaction read only", "mariadb": "set transaction read only"}
_FIELD = "source.database"
_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")


def public_database(database: str) -> str:
    """Return a connection string without user, password and options: dialect, host and database.

    Variables of the environment stay as they are named.
    """
    try:
        url = _parse(database)
    except ConfigError:
        return database if _VARIABLE.fullmatch(database) else "the database"
    host = f"{url.host}:{url.port}" if url.port else url.host or ""
    return f"{url.get_backend_name()}://{host}/{url.database or ''}"


def write_query(database: str, query: str, path: Path, stage: str, rows: int | None = None) -> None:
    """Run a query and write its rows as a parquet file.

    Parameters
    ----------
    database, query
        As the config has them, variables of the environment unexpanded.
    path
        The file.
    stage
        Whose progress it is.
    rows
        At most so many; None: all.

    Raises
    ------
    ConfigError
        It is no connection string.
    MissingExtraError
        The driver is not installed.
    SourceNotFoundError
        The SQLite file is not there.
    SourceUnreachableError
        The database does not answer; a later try may help.
    DataError
        The query is wrong, or gives no rows.
    """
    shown = public_database(database)
    engine = _open(_parse(expand(database, _FIELD)), shown)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _connect(engine, shown) as connection:
        with _asking(shown):
            result = _run(connection, query)
            spool = Spool(name_columns(list(result.keys()), named=True), Path(folder))
            n_rows = 0
            for batch in result.partitions(BATCH_ROWS):
                wanted = batch if rows is None else list(islice(batch, rows - n_rows))
                spool.add(wanted)
                n_rows += len(wanted)
                emit(Advanced(stage, n_rows, n_rows, "rows", shown))
                if rows is not None and n_rows >= rows:
                    break
            result.close()
        if not n_rows:
            raise DataError(f"The query gave no row from {shown}. Check source.query.")
        write_parquet(path, plain_schema(spool.schema), spool.tables())


def _parse(database: str) -> URL:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        raise ConfigError(
            f"{_FIELD} is no connection string. Expected dialect://user:password@host/database, such as "
            f"sqlite:///file.db or postgresql://$USER:$PASSWORD@host/name."
        ) from None  # the cause would show it
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _open(url: URL, shown: str) -> Engine:
    """Return the engine, which has connected to nothing yet."""
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError

    if url.get_backend_name() == "sqlite":
        return create_engine("sqlite://", creator=_open_sqlite(url), poolclass=NullPool)
    try:
        if url.get_dialect().is_async:
            raise ConfigError(f"{_FIELD} names the driver {url.drivername}, which is asynchronous; name another.")
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    except NoSuchModuleError as error:
        raise ConfigError(
            f"{_FIELD} {shown}: SQLAlchemy has no dialect {url.drivername!r}. Is it installed?"
        ) from error
    except ImportError as error:
        raise _missing_driver(url, error) from error


def _missing_driver(url: URL, error: ImportError) -> MissingExtraError:
    if url.get_backend_name() == "postgresql":
        return MissingExtraError.needing(f"{_FIELD}: PostgreSQL", "psycopg", "postgres")
    return MissingExtraError(f"{_FIELD}: {url.drivername} needs its driver: pip install {error.name}")


def _open_sqlite(url: URL) -> Any:
    """Return a function that opens the file read-only, so that it is not made where it is missing."""
    name = url.database
    if not name or name == ":memory:":
        raise ConfigError(f"{_FIELD} names no SQLite file. Expected sqlite:///file.db, or sqlite:////absolute/file.db.")
    path = Path(name)
    if not path.is_file():
        raise SourceNotFoundError(f"{_FIELD} names the SQLite file {path}, which is not there.")

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
        connection.text_factory = lambda cell: cell.decode("utf-8", "surrogateescape")
        return connection

    return connect


@contextmanager
def _connect(engine: Engine, shown: str) -> Iterator[Connection]:
    from sqlalchemy.exc import DBAPIError

    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise SourceUnreachableError(
            f"{shown} does not let evenly in: {_said(error)} Check host, user and password in {_FIELD}, and whether "
            f"the server runs."
        ) from None  # the cause may show the connection string
    try:
        yield connection
    finally:
        connection.close()
        engine.dispose()


def _run(connection: Connection, query: str) -> CursorResult[Any]:
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection = connection.execution_options(postgresql_readonly=True)
    if dialect in _READ_ONLY:
        connection.exec_driver_sql(_READ_ONLY[dialect])
    options = {"stream_results": True, "max_row_buffer": BATCH_ROWS, "no_parameters": True}
    result = connection.exec_driver_sql(query.strip().rstrip(";"), execution_options=options)
    if not result.returns_rows:
        raise DataError("source.query returns no rows. Expected one SELECT.")
    return result


@contextmanager
def _asking(shown: str) -> Iterator[None]:
    """Turn what a database says of a query into evenly's errors."""
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except EvenlyError:
        raise
    except DBAPIError as error:
        if error.connection_invalidated:
            raise SourceUnreachableError(f"The connection to {shown} broke: {_said(error)} Try again.") from None
        raise DataError(f"{shown} refuses source.query: {_said(error)}") from None
    except SQLAlchemyError as error:
        raise DataError(f"{shown} cannot run source.query: {_said(error)}") from None


def _said(error: Exception) -> str:
    """Return the database's own words, in one line, without the URLs in them."""
    words = " ".join(hide_urls(str(getattr(error, "orig", None) or error)).split())
    return words if words.endswith(".") else f"{words}."
