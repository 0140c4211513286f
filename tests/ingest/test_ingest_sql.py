"""SQL: the rows of a query, read-only, whatever types they turn out to have, and no password anywhere."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import time
import tracemalloc
from contextlib import closing
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evenly.config import load_config
from evenly.errors import ConfigError, DataError, MissingExtraError, SourceNotFoundError, SourceUnreachableError
from evenly.executor import InProcess
from evenly.flows.first_config import guess_config
from evenly.flows.steps import prepare_steps
from evenly.flows.walk import Site, build_step
from evenly.ingest import QuerySource
from evenly.progress import Advanced, observing
from evenly.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PASSWORD = "pass word/with@signs"  # noqa: S105 - of a server that lives as long as the tests


def write_database(path: Path, rows: Sequence[Sequence[Any]], columns: str = "body, label") -> Path:
    """Write an SQLite file with the table `mail`, columns without types."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"create table mail ({columns})")
        connection.executemany(f"insert into mail values ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608 - a test
        connection.commit()
    return path


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """Return an SQLite file with a table of labelled texts."""
    return write_database(tmp_path / "mail.db", [(f"text number {n}", ["ham", "spam"][n % 3 == 0]) for n in range(60)])


def fetch(database: str, query: str, folder: Path) -> pa.Table:
    """Return the rows of a query."""
    return pq.read_table(QuerySource(database, query).fetch(folder)[0])


def test_a_query_is_a_source_and_an_unchanged_answer_is_reused(tmp_path: Path, mail: Path) -> None:
    source = {"database": "sqlite:///mail.db", "query": "select * from mail", "text": "body"}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"source": source | {"labels": {"columns": "label"}}}))
    config = load_config(path)
    assert config.source.database == f"sqlite:///{mail}"

    def build() -> Any:
        return build_step(Site(Store(config.store), InProcess()), prepare_steps(config)[0], {})

    events: list[object] = []
    with observing(events.append):
        first = build()
    assert first.manifest.rows == 60
    assert any(isinstance(event, Advanced) and event.unit == "rows" and event.done == 60 for event in events)
    assert build().path == first.path
    with closing(sqlite3.connect(mail)) as connection:
        connection.execute("update mail set label = 'ham' where rowid = 1")
        connection.commit()
    assert build().path != first.path


def test_types_that_differ_from_row_to_row(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [(1, 1, 1, None, "a", b"b"), (2, 2.5, "x", None, b"\xff", b"\xff")]
    rows += [(n, n, n, None, "late", b"late") for n in range(3, 10_000)] + [(10**19 // 10, 0.5, None, 7, None, None)]
    path = write_database(tmp_path / "t.db", rows, "n, number, mixed, last, text, blob")
    found = fetch(f"sqlite:///{path}", "select * from mail", tmp_path)
    assert [field.type for field in found.schema] == [
        *(pa.int64(), pa.float64(), pa.string(), pa.int64(), pa.string(), pa.binary()),
    ]
    assert found["number"].to_pylist()[:3] == [1.0, 2.5, 3.0]
    assert found["mixed"].to_pylist()[:3] == ["1", "x", "3"]
    assert found["last"].to_pylist()[-1] == 7


def test_text_that_is_no_utf8_is_a_reject(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_database(tmp_path / "t.db", [("one", "a"), ("two", "b")])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("insert into mail values (cast(x'636166e9' as text), 'a')")
        connection.commit()
    built = build(*QuerySource(f"sqlite:///{path}", "select * from mail").fetch(tmp_path / "s"), text=("body",))
    assert [row["body"] for row in built.rows] == ["one", "two"]
    assert [(reject["line"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (3, "invalid UTF-8", "caf\\xe9")
    ]


def test_columns_of_one_name_are_told_apart(tmp_path: Path, mail: Path) -> None:
    found = fetch(f"sqlite:///{mail}", "select body, label, label from mail", tmp_path)
    assert len(set(found.column_names)) == 3


@pytest.mark.parametrize(
    "query",
    ["delete from mail", "update mail set label = 'x' returning body", "create table other (a)", "drop table mail"],
)
def test_nothing_is_ever_written(tmp_path: Path, mail: Path, query: str) -> None:
    before = mail.read_bytes()
    with pytest.raises(DataError):
        fetch(f"sqlite:///{mail}", query, tmp_path)
    assert mail.read_bytes() == before


@pytest.mark.parametrize(
    ("database", "query", "error", "said"),
    [
        ("sqlite:///none.db", "select 1", SourceNotFoundError, "SQLite file none.db, which is not there"),
        ("sqlite://", "select 1", ConfigError, "names no SQLite file"),
        ("sqlite:///{mail}", "select nope from mail", DataError, "no such column: nope"),
        ("sqlite:///{mail}", "select 1; select 2", DataError, "one statement"),
        ("sqlite:///{mail}", "select * from mail where 0", DataError, "gave no row"),
        ("sqlite:///{mail}x", "select 1", SourceNotFoundError, "is not there"),
        ("words: {secret}", "select 1", ConfigError, "no connection string"),
        ("foo://me:{secret}@host/db", "select 1", ConfigError, "no dialect 'foo'"),
        ("mysql+nodriver://me:{secret}@host/db", "select 1", ConfigError, "no dialect"),
        ("postgresql+asyncpg://me:{secret}@host/db", "select 1", ConfigError, "asynchronous"),
        ("oracle+cx_oracle://me:{secret}@host/db", "select 1", MissingExtraError, "pip install cx_Oracle"),
        ("postgresql://me:$NOT_SET@host/db", "select 1", ConfigError, r"\$NOT_SET"),
        ("postgresql://me:{secret}@127.0.0.1:1/db", "select 1", SourceUnreachableError, "127.0.0.1:1/db does not let"),
    ],
)
def test_what_goes_wrong_is_told_without_the_password(
    mail: Path, database: str, query: str, error: type[Exception], said: str
) -> None:
    source = QuerySource(database.format(mail=mail, secret="geheim"), query)
    with pytest.raises(error, match=said) as caught:
        source.fetch(mail.parent)
    assert "geheim" not in f"{caught.value} {caught.value.__cause__} {source!r} {source.title}"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("words, and many of them, enough for a header of an SQLite file" * 9)
    with pytest.raises((DataError, SourceUnreachableError), match="not a database"):
        fetch(f"sqlite:///{tmp_path / 't.db'}", "select * from t", tmp_path)


def test_memory_does_not_grow_with_the_answer(tmp_path: Path) -> None:
    path = write_database(tmp_path / "t.db", [("word " * 500, "a")] * 20)
    QuerySource(f"sqlite:///{path}", "select * from mail").fetch(tmp_path / "first")  # imports count, too
    tracemalloc.start()
    fetch_rows = QuerySource(
        f"sqlite:///{path}", "select a.body, b.label from mail a, mail b, mail c, mail d limit 30000"
    )
    (written,) = fetch_rows.fetch(tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pq.read_metadata(written).num_rows == 30_000  # 75 MB of text
    assert peak < 45_000_000  # a batch as Python strings and once more as bytes


def test_a_config_for_a_query(tmp_path: Path, mail: Path) -> None:
    first = guess_config(f"sqlite:///{mail}", store=tmp_path / "store", query="select * from mail")
    source = first.config.source
    assert (source.text, source.labels.columns, source.format) == (("body",), ("label",), "auto")
    assert (source.database, source.query) == (f"sqlite:///{mail}", "select * from mail")
    with pytest.raises(ConfigError, match=r"tables mail\..*--query"):
        guess_config(str(mail), store=tmp_path / "store")
    with pytest.raises(ConfigError, match="needs a query that gives the rows"):
        guess_config(f"sqlite:///{mail}", store=tmp_path / "store")
    with pytest.raises(ConfigError, match="asks a database"):
        guess_config("mail.csv", store=tmp_path / "store", query="select 1")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return the port of a PostgreSQL server of this test's own, on loopback, with the user `reader`."""
    for binary in ("initdb", "postgres"):
        if shutil.which(binary) is None:
            pytest.skip(f"{binary} is not installed")
    pytest.importorskip("psycopg")
    folder = tmp_path_factory.mktemp("postgres")
    as_user = _as_other_user(folder)
    (folder / "password").write_text(PASSWORD)
    command = ["initdb", "-D", folder / "data", "-U", "reader", "--auth=scram-sha-256", "--no-sync", "-E", "UTF8"]
    command += ["--locale=C", f"--pwfile={folder / 'password'}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, **as_user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **as_user)
    try:
        _fill_postgres(port)
        yield port
    finally:
        server.kill()
        server.wait()


def _as_other_user(folder: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root: let the folder belong to somebody else, and be reached."""
    if os.geteuid() != 0:
        return {}
    shutil.chown(folder, "nobody")
    for parent in takewhile(lambda parent: not parent.stat().st_mode & 0o001, [folder, *folder.parents]):
        parent.chmod(parent.stat().st_mode | 0o711)
    return {"user": "nobody"}


def _fill_postgres(port: int) -> None:
    import psycopg

    for _ in range(150):
        try:
            connection = psycopg.connect(
                host="127.0.0.1", port=port, user="reader", password=PASSWORD, dbname="postgres"
            )
            break
        except psycopg.OperationalError:
            time.sleep(0.1)
    with connection:
        connection.execute("""
            create table mail as select n as id, 'text % number :n ' || n as body,
                case when n % 3 = 0 then array['spam', 'urgent'] else array['ham'] end as labels,
                (n / 2.0)::numeric(9, 2) as price, n % 2 = 0 as even, '{"k": 1}'::jsonb as json,
                timestamp '2024-01-05 03:04:05' as sent, md5(n::text)::uuid as key
            from generate_series(1, 20000) n
        """)
        connection.execute("create sequence counter")


@pytest.fixture
def url(postgres: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the connection string, its password in the environment as it must stand in a URL."""
    monkeypatch.setenv("MAIL_PASSWORD", "pass%20word%2Fwith%40signs")
    return f"postgresql://reader:$MAIL_PASSWORD@127.0.0.1:{postgres}/postgres"


def test_postgresql_is_read_with_its_types(tmp_path: Path, url: str, build: Callable[..., Any]) -> None:
    source = QuerySource(url, "select * from mail where body like '%text % number :n%' order by id;")
    assert source.title == url.replace("reader:$MAIL_PASSWORD@", "")
    files = source.fetch(tmp_path / "s")
    found = pq.read_table(files[0])
    assert len(found) == 20_000
    assert found.slice(2, 1).drop_columns("key").to_pylist() == [
        {
            "id": 3,
            "body": "text % number :n 3",
            "labels": ["spam", "urgent"],
            "price": "1.50",
            "even": False,
            "json": '{"k": 1}',
            "sent": found["sent"][0].as_py(),
        }
    ]
    assert str(found["sent"][0]) == "2024-01-05 03:04:05"
    assert build(*files, text=("body",), labels="labels").facts["task"] == "multilabel"
    assert PASSWORD.encode() not in files[0].read_bytes()


@pytest.mark.parametrize(
    "query",
    [
        "delete from mail returning *",
        "with gone as (delete from mail returning *) select * from gone",
        "create table other (a int)",
        "select nope from mail",
        "select nextval('counter')",  # only a read-only transaction refuses it
    ],
)
def test_postgresql_is_never_written(tmp_path: Path, url: str, query: str) -> None:
    with pytest.raises(DataError, match="refuses source"):
        fetch(url, query, tmp_path)
    assert fetch(url, "select count(*) as n from mail", tmp_path)["n"].to_pylist() == [20_000]


def test_a_wrong_password_is_not_told(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceUnreachableError, match="password authentication failed") as caught:
        fetch(url.replace("$MAIL_PASSWORD", "geheim"), "select 1", tmp_path)
    assert "geheim" not in str(caught.value)


def test_without_the_driver_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'evenly\[postgres\]'"):
        fetch("postgresql://me@127.0.0.1:1/db", "select 1", tmp_path)
