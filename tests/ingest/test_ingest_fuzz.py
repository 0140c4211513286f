"""Broken and odd files: a few hundred of the cases of `fuzz_ingest`, and round trips of any text."""

from __future__ import annotations

import csv
import io
import json
import runpy
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenly.config import SourceConfig
from evenly.executor import InProcess
from evenly.formats import list_parts
from evenly.ingest import TABLE
from evenly.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

fuzz = runpy.run_path(str(Path(__file__).with_name("fuzz_ingest.py")))["fuzz"]
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=8)


def test_odd_files_end_in_right_counts_or_a_clear_error() -> None:
    outcomes, failures = fuzz(range(300), limit_s=60)
    assert not failures, failures[0]
    assert {"a table", "a table with rejects", "DataError"} <= set(outcomes)


def as_csv(texts: list[str], end: str) -> bytes:
    """Return a table as Python's csv module writes it."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=end).writerows(
        [["text", "label"], *([text, "ba"[i > 0]] for i, text in enumerate(texts))]
    )
    return stream.getvalue().encode()


def as_jsonl(texts: list[str], end: str) -> bytes:
    """Return a table as objects one a line."""
    rows = ({"text": text, "label": "ba"[i > 0]} for i, text in enumerate(texts))
    return "".join(json.dumps(row, ensure_ascii=False) + end for row in rows).encode()


def as_parquet(texts: list[str], end: str) -> bytes:
    """Return a table as parquet."""
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": texts, "label": ["ba"[i > 0] for i in range(len(texts))]}), sink)
    return sink.getvalue()


@pytest.mark.parametrize(("name", "write"), [("t.csv", as_csv), ("t.jsonl", as_jsonl), ("t.parquet", as_parquet)])
@settings(max_examples=40, deadline=None)
@given(texts=TEXTS, end=st.sampled_from(["\n", "\r\n"]))
def test_any_text_comes_back(name: str, write: Callable[[list[str], str], bytes], texts: list[str], end: str) -> None:
    texts = ["first", *texts, "last"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(write(texts, end))
        assert read_texts(path, Path(folder) / "out") == [text for text in texts if text.strip()]


def read_texts(path: Path, out: Path) -> list[str]:
    """Return the texts of the table that a file becomes."""
    given: dict[str, Any] = {"files": str(path), "text": "text", "labels": {"columns": "label", "format": "single"}}
    given |= {"delimiter": ",", "encoding": "utf-8", "quote": '"', "header": True}
    config = SourceConfig.model_validate(given)
    params = {
        key: value for key, value in config.model_dump(mode="json").items() if key in TABLE.function.__annotations__
    }
    work = Workspace(out, stage="table", executor=InProcess())
    TABLE.function(work, **(params | {"files": (path,)}))
    return [text for part in list_parts(out) for text in pq.read_table(part)["text"].to_pylist()]
