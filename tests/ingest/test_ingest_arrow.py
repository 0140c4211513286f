"""Arrow IPC and parquet: columns as they are, and strings that are no UTF-8 as rejects instead of a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest

from evenly.errors import ColumnNotFoundError, DataError
from evenly.ingest import read_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = pa.table(
    {
        "text": [f"text {number}" for number in range(20_000)],
        "label": pa.array([["a", "b"][number % 2] for number in range(20_000)]).dictionary_encode(),
        "n": pa.array(range(20_000), pa.int16()),
    }
)


def write_arrow(path: Path, table: pa.Table, kind: str, *, rows: int | None = None, codec: str | None = None) -> Path:
    """Write an IPC file or stream in batches of `rows`."""
    options = pa.ipc.IpcWriteOptions(compression=codec)
    new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return path


@pytest.mark.parametrize("kind", ["file", "stream"])
@pytest.mark.parametrize("codec", [None, "zstd", "lz4"])
def test_files_and_streams_give_every_row(tmp_path: Path, build: Callable[..., Any], kind: str, codec: str) -> None:
    built = build(write_arrow(tmp_path / "t.arrow", TABLE, kind, rows=3_000, codec=codec), keep=["n"])
    rows = built.rows
    assert len(rows) == 20_000
    assert rows[12_345] == {"row": 12_345, "text": "text 12345", "labels": ["b"], "n": 12_345}
    assert built.facts["dialects"] == [{"file": "t.arrow", "format": "arrow"}]


def test_feather_is_an_arrow_file(tmp_path: Path, build: Callable[..., Any]) -> None:
    pyarrow.feather.write_feather(TABLE.slice(0, 10), tmp_path / "t.feather")
    assert len(build(tmp_path / "t.feather").rows) == 10


def test_the_head_of_a_large_batch_is_short(tmp_path: Path) -> None:
    head = read_head(write_arrow(tmp_path / "t.ipc", TABLE, "file"), rows=5)
    assert head.table["n"].to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["t.arrow", "t.parquet"])
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string()])
def test_strings_that_are_no_utf8_are_rejected(
    tmp_path: Path, build: Callable[..., Any], name: str, type_: pa.DataType
) -> None:
    cells = pa.array([b"one", b"caf\xe9", b"t\xc3\xa9", None, b"\xff"], pa.large_binary())
    text = cells.cast(pa.binary()).view(pa.string()) if type_ == pa.string() else cells.view(pa.large_string())
    table = pa.table({"text": text, "label": ["a", "b", "b", "a", "a"]})
    if name == "t.arrow":
        write_arrow(tmp_path / name, table, "file")
    else:
        pq.write_table(table, tmp_path / name, write_statistics=False)
    built = build(tmp_path / name)
    assert [row["text"] for row in built.rows] == ["one", "té"]
    assert [(reject["line"], reject["column"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (2, "text", "invalid UTF-8", "caf\\xe9"),
        (4, "text", "no text", '{"text": null, "label": "a"}'),
        (5, "text", "invalid UTF-8", "\\xff"),
    ]
    assert built.facts["rows_read"] == 5


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_a_file_that_is_cut_is_said_to_be_damaged(tmp_path: Path, build: Callable[..., Any], kind: str) -> None:
    whole = write_arrow(tmp_path / "whole.arrow", TABLE, kind, rows=1_000).read_bytes()
    (tmp_path / "cut.arrow").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cut\.arrow is (not an|a damaged) Arrow file"):
        build(tmp_path / "cut.arrow")


def test_offsets_that_lead_nowhere_are_found_before_they_are_followed(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    path = write_arrow(
        tmp_path / "t.arrow", pa.table({"text": ["one", "two", "six"], "label": ["a", "b", "a"]}), "file"
    )
    offsets = np.array([0, 3, 6, 9], np.int32).tobytes()
    broken = np.array([0, 3, 2**30, 9], np.int32).tobytes()
    assert path.read_bytes().count(offsets) == 1
    path.write_bytes(path.read_bytes().replace(offsets, broken))
    with pytest.raises(DataError, match=r"t\.arrow is a damaged Arrow file"):
        build(path)


def test_what_is_no_arrow_file_is_told(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.arrow").write_bytes(b"text,label\nx,a\n")
    with pytest.raises(DataError, match=r"t\.arrow is not an Arrow file"):
        build(tmp_path / "t.arrow")
    (tmp_path / "old.feather").write_bytes(b"FEA1" + bytes(50))
    with pytest.raises(DataError, match="Feather of version 1"):
        build(tmp_path / "old.feather")


def test_a_missing_column_and_one_of_numbers_are_named(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_arrow(tmp_path / "t.arrow", TABLE.slice(0, 9), "stream")
    with pytest.raises(ColumnNotFoundError, match="did you mean 'label'"):
        build(path, labels="lable")
    with pytest.raises(DataError, match="column 'n' holds int16, not text"):
        build(path, text=("n",))
