"""A source file that is written to while it is read: an error, or the new content; never a key that lies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from crash_stages import LOGGED_READ
from evenly.config import load_config
from evenly.errors import SourceChangedError, WorkerDiedError
from evenly.store import Files, Stage, Store
from small_runs import run_until

OLD = 1_600_000_000  # s; long before the test


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.txt"
    path.write_text("as it was")
    os.utime(path, (OLD, OLD))
    return path


def build(source, change, root=None):
    """Build what copies the source, and let `change` happen after that."""

    def read(work, *, files):
        (work.out / "copy.txt").write_text(files[0].read_text())
        change(files[0])

    store = Store(source.parent / "store" if root is None else root)
    return store.build(Stage("reading", 1, read), params={}, inputs={"files": Files((source,))})


def append(path):
    with path.open("a") as stream:
        stream.write(", and more")


def rewrite_unseen(path):
    """Write as many bytes, and set the time back."""
    path.write_text("as it is ")
    os.utime(path, (OLD, OLD))


def write_the_same(path):
    """In between it was empty: who read it then has read nothing."""
    path.write_text(path.read_text())


def replace_by_rename(path):
    other = path.with_name("other.txt")
    other.write_text("as it is ")
    os.utime(other, (OLD, OLD))
    other.replace(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (append, "had 9 bytes and now has 19"),
        (rewrite_unseen, "the content of .* is another one"),
        (write_the_same, "was written to"),
        (replace_by_rename, "the content of .* is another one"),
        (os.unlink, "cannot be read any more"),
    ],
)
def test_a_source_that_changes_is_an_error_that_leaves_nothing(source, change, said):
    with pytest.raises(SourceChangedError, match=said):
        build(source, change)

    assert [path for path in (source.parent / "store").rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    if source.exists():
        again = build(source, lambda path: None)
        assert (again.path / "copy.txt").read_text() == source.read_text()


def copy_over(path):
    other = path.with_name("other.txt")
    other.write_text(path.read_text())
    os.utime(other, (OLD, OLD))
    other.replace(path)


@pytest.mark.parametrize("change", [lambda path: os.link(path, path.with_name("backup")), copy_over])
def test_what_leaves_content_and_time_as_they_are_is_no_change(source, change):
    assert (build(source, change).path / "copy.txt").read_text() == "as it was"


def test_two_writes_within_one_tick_of_the_clock_are_told_apart_by_content(source):
    now = time.time() + 60  # a clock that was set back since: times tell nothing
    os.utime(source, (now, now))

    def rewrite(path):
        path.write_text("as it is ")
        os.utime(path, (now, now))

    with pytest.raises(SourceChangedError):
        build(source, rewrite)


@pytest.mark.parametrize(("rewritten", "n_reads"), [(False, 3), (True, 4)])
def test_partitions_of_an_interrupted_build_are_kept_only_where_the_source_is_the_same_file(
    source, tmp_path, rewritten, n_reads
):
    (tmp_path / "log").mkdir()
    store, params = Store(tmp_path / "store"), {"log": str(tmp_path / "log")}
    with pytest.raises(WorkerDiedError):
        store.build(LOGGED_READ, params=params | {}, inputs={"files": Files((source,))})
    if rewritten:  # to something else and back, while the first build was at it: what it has read is not known
        source.write_text("something else")
        source.write_text("as it was")
        os.utime(source, (OLD, OLD))
    artifact = store.build(LOGGED_READ, params=params, inputs={"files": Files((source,))})

    assert len(list((tmp_path / "log").iterdir())) == n_reads
    assert [path.read_text() for path in sorted(artifact.path.glob("*.txt"))] == ["as it was"] * 2


def test_a_table_that_grows_while_it_is_read_is_an_error_until_it_is_at_rest(fresh):
    path, done = fresh.folder / "genres-0.csv", threading.Event()
    whole = path.read_bytes()

    def write_on():
        with path.open("a") as stream:
            while not done.wait(0.001):
                stream.write("one more row,space\n")
                stream.flush()

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(SourceChangedError, match=r"genres-0\.csv had \d+ bytes and now has"):
            run_until(load_config(fresh.folder / "config.yaml"), "table")
    finally:
        done.set()
        writer.join()
    assert list(fresh.store.glob("table/*")) == []
    path.write_bytes(whole)
    assert fresh.again("table") == ["table"]


CUT_WHILE_READ = """
import sys
from pathlib import Path
import pyarrow as pa, pyarrow.ipc, pyarrow.parquet as pq
from evenly.config import SourceConfig
from evenly.errors import SourceChangedError
from evenly.ingest import TABLE, pieces
from evenly.ingest.structured import arrow_reader
from evenly.store import Files, Store

folder, rows = Path(sys.argv[1]), 60_000
table = pa.table({"text": [f"text {row} " + "x" * 40 for row in range(rows)], "label": ["a", "b"] * (rows // 2)})
pq.write_table(table, folder / "rows.parquet", row_group_size=10_000)
new_file, new_stream = pa.ipc.new_file, pa.ipc.new_stream
for name, new, most in (("file", new_file, 5_000), ("stream", new_stream, 5_000), ("one", new_file, None)):
    with new(str(folder / f"{name}.arrow"), table.schema) as writer:
        writer.write_table(table, max_chunksize=most)
arrow_reader._MOST_BATCH_BYTES = 2_000_000  # what one batch of `one.arrow` has more, and what the stream may have
fields = {"files": ["x"], "text": ["text"], "labels": {"columns": ["label"]}}
params = SourceConfig.model_validate(fields).model_dump(mode="json", exclude={
    "files", "storage_options", "dataset", "subset", "revision", "database", "query"})
read_cells = pieces.read_cells

for path in sorted(folder.iterdir()):
    def cut(batch, layout):
        with path.open("r+b") as stream:
            stream.truncate(8192)
        return read_cells(batch, layout)

    pieces.read_cells = cut
    try:
        Store(folder / "store").build(TABLE, params=params, inputs={"files": Files((path,))})
    except SourceChangedError as error:
        print(path.name, "now has 8192" in str(error))
"""


def test_a_file_of_columns_that_is_cut_while_it_is_read_is_an_error_and_does_not_end_the_process(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", CUT_WHILE_READ, str(tmp_path)], capture_output=True, text=True, check=False
    )

    said = ["file.arrow True", "one.arrow True", "rows.parquet True", "stream.arrow True"]
    assert (answer.returncode, answer.stdout.splitlines()) == (0, said), answer.stderr
