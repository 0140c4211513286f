"""JSON lines: columns that are carried along keep their type, the same one in every part and whatever the file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write(path: Path, cells: list[Any], name: str = "extra") -> Path:
    rows = [{"text": f"t{number}", "label": "ab"[number % 2], name: cell} for number, cell in enumerate(cells)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def extra(built: Any) -> tuple[pa.DataType, list[Any]]:
    tables = [pq.read_table(part) for part in sorted(built.artifact.path.glob("part-*.parquet"))]
    assert len({table.schema.field("extra").type for table in tables}) == 1
    return tables[0].schema.field("extra").type, pa.concat_tables(tables)["extra"].to_pylist()


BIG = 2**63 - 1


@pytest.mark.parametrize(
    ("cells", "type_", "expected"),
    [
        ([1, -2, None], pa.int64(), [1, -2, None]),
        ([BIG, -BIG - 1], pa.int64(), [BIG, -BIG - 1]),
        ([BIG + 1, 1], pa.string(), [str(BIG + 1), "1"]),
        ([BIG + 1, 1.5], pa.string(), [str(BIG + 1), "1.5"]),
        ([10**30, 0.5], pa.string(), [str(10**30), "0.5"]),
        ([1, 2.5, 1e300], pa.float64(), [1.0, 2.5, 1e300]),
        ([0.1, float("inf")], pa.float64(), [0.1, float("inf")]),
        ([True, False], pa.bool_(), [True, False]),
        ([True, 1], pa.string(), ["true", "1"]),
        (["a", 'say "x"', "\\", "é\n", ""], pa.string(), ["a", 'say "x"', "\\", "é\n", ""]),
        (["1", "2"], pa.string(), ["1", "2"]),
        ([1, "1"], pa.string(), ["1", "1"]),
        ([{"a": ["é", 1]}, [1, 2], "x", None], pa.string(), ['{"a": ["é", 1]}', "[1, 2]", "x", None]),
        ([None, None], pa.string(), [None, None]),
    ],
)
def test_the_type_is_what_all_values_are(
    tmp_path: Path, build: Callable[..., Any], cells: list[Any], type_: pa.DataType, expected: list[Any]
) -> None:
    built = build(write(tmp_path / "t.jsonl", cells), keep=["extra"])
    assert extra(built) == (type_, expected)


def test_a_late_value_decides_for_every_part(tmp_path: Path, build: Callable[..., Any]) -> None:
    cells = [*range(20_000), 0.5]
    built = build(write(tmp_path / "t.jsonl", cells), keep=["extra"], partition_rows=1_000)
    type_, found = extra(built)
    assert (type_, found) == (pa.float64(), cells)


@pytest.mark.parametrize(
    ("second", "type_", "expected"),
    [
        (pa.array([0.5, 2.0]), pa.float64(), [1.0, 2.0, 0.5, 2.0]),
        (pa.array([3, 4], pa.int8()), pa.int64(), [1, 2, 3, 4]),
        (pa.array(["x", None]), pa.string(), ["1", "2", "x", None]),
        (pa.array(["x", "y"]).dictionary_encode(), pa.string(), ["1", "2", "x", "y"]),
        (pa.nulls(2), pa.int64(), [1, 2, None, None]),
    ],
)
def test_files_of_different_types_agree_on_one(
    tmp_path: Path, build: Callable[..., Any], second: pa.Array, type_: pa.DataType, expected: list[Any]
) -> None:
    lines = write(tmp_path / "1.jsonl", [1, 2])
    pq.write_table(pa.table({"text": ["x", "y"], "label": ["a", "b"], "extra": second}), tmp_path / "2.parquet")
    assert extra(build(lines, tmp_path / "2.parquet", keep=["extra"])) == (type_, expected)


def test_lists_and_text_agree_on_nothing(tmp_path: Path, build: Callable[..., Any]) -> None:
    lines = write(tmp_path / "1.jsonl", ["x", "y"])
    column = pa.array([[1], [2]])
    pq.write_table(pa.table({"text": ["x", "y"], "label": ["a", "b"], "extra": column}), tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"different types in the column 'extra': string, list<.*source.keep"):
        build(lines, tmp_path / "2.parquet", keep=["extra"])


def test_dictionaries_that_change_from_batch_to_batch_are_carried_as_text(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    n_rows = 9_000
    columns = {"text": ["t"] * n_rows, "label": list("ab") * (n_rows // 2), "extra": [f"v{i}" for i in range(n_rows)]}
    table = pa.table(columns).set_column(2, "extra", pa.array(columns["extra"]).dictionary_encode())
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1_000)
    assert extra(build(tmp_path / "t.parquet", keep=["extra"])) == (pa.string(), columns["extra"])


def test_columns_with_another_use_stay_text(tmp_path: Path, build: Callable[..., Any]) -> None:
    rows = [{"text": "t", "label": number % 2, "who": number, "extra": number} for number in range(4)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    built = build(tmp_path / "t.jsonl", keep=["label", "who", "extra"], group="who")
    assert [tuple(row.values()) for row in built.rows][1] == (1, "t", ["1"], "1", "1", "1", 1)


LINES = '{"text": "café", "label": "a"}\n{"text": "dünn", "label": "b"}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings_are_found(tmp_path: Path, build: Callable[..., Any], encoding: str) -> None:
    (tmp_path / "t.jsonl").write_bytes(LINES.encode(encoding))
    built = build(tmp_path / "t.jsonl")
    assert [row["text"] for row in built.rows] == ["café", "dünn"]
    found = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    assert built.facts["dialects"] == [{"file": "t.jsonl", "format": "jsonl", "encoding": found}]


@pytest.mark.parametrize(
    ("settings", "texts", "reasons"),
    [
        ({}, ["café", "dünn"], ["invalid UTF-8"]),
        ({"on_bad_bytes": "replace"}, ["café", "dünn", "bad \ufffd"], []),
        ({"encoding": "latin-1"}, ["cafÃ©", "dÃ¼nn", "bad \xe9"], []),
    ],
)
def test_bytes_that_the_encoding_does_not_have(
    tmp_path: Path, build: Callable[..., Any], settings: dict[str, Any], texts: list[str], reasons: list[str]
) -> None:
    (tmp_path / "t.jsonl").write_bytes(LINES.encode() + b'{"text": "bad \xe9", "label": "a"}\n')
    built = build(tmp_path / "t.jsonl", **settings)
    assert [row["text"] for row in built.rows] == texts
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(3, reason) for reason in reasons]
