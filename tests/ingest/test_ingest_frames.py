"""Frames from Python: an equal frame is the same file, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import DataError
from evenly.ingest import save_frame

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = {"text": [f"text {n}" for n in range(50_000)], "tags": [["x", "y"][: n % 3] for n in range(50_000)]}


class Stream:
    """A frame that is known by its Arrow stream alone, as those of polars are."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def test_an_equal_frame_is_the_same_file(tmp_path: Path) -> None:
    table = pa.table(ROWS)
    views = pa.schema([("text", pa.string_view()), ("tags", pa.large_list(pa.string_view()))])
    frames = [
        table,
        pa.Table.from_batches(table.to_batches(max_chunksize=777)),
        table.replace_schema_metadata({"made": "today"}),
        pd.DataFrame(ROWS),
        pd.DataFrame(ROWS, index=range(7, 50_007)),
        Stream(table.cast(views)),
    ]
    paths = {save_frame(frame, tmp_path / "frames") for frame in frames}
    assert len(paths) == 1
    assert list((tmp_path / "frames").iterdir()) == list(paths)
    assert pq.read_table(paths.pop()).to_pydict() == ROWS
    assert save_frame(table.slice(1), tmp_path / "frames") not in paths


def test_a_frame_becomes_a_table(tmp_path: Path, build: Callable[..., Any]) -> None:
    frame = pd.DataFrame(
        {"text": ["one", "two", None], "label": pd.Categorical(["a", "b", "a"]), "score": [0.5, float("nan"), 1.0]}
    )
    built = build(save_frame(frame, tmp_path / "frames"), keep=["score"])
    assert built.rows == [
        {"row": 0, "text": "one", "score": 0.5, "labels": ["a"]},
        {"row": 1, "text": "two", "score": None, "labels": ["b"]},
    ]
    assert [reject["reason"] for reject in built.rejects] == ["no text"]


def test_what_is_no_frame_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got list, expected a pandas, polars or Arrow frame"):
        save_frame([["text", "a"]], tmp_path)
    with pytest.raises(DataError, match="column of several types"):
        save_frame(pd.DataFrame({"text": ["x", 1]}), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_frame_of_polars(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    assert save_frame(polars.DataFrame(ROWS), tmp_path) == save_frame(pa.table(ROWS), tmp_path)
