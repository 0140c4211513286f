"""The stage `table`: what gets in, what does not, and that the same files give the same bytes."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.errors import ColumnNotFoundError, DataError, LabelShapeError, SourceNotFoundError
from evenly.executor import LocalProcesses
from evenly.formats import read_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = "text,label\nalpha one,a\nbeta two,b\ngamma three,a\n"


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_labels_and_facts_of_a_small_csv(tmp_path: Path, build: Callable[..., Any]) -> None:
    built = build(write(tmp_path / "small.csv", SMALL))
    assert built.rows == [
        {"row": 0, "text": "alpha one", "labels": ["a"]},
        {"row": 1, "text": "beta two", "labels": ["b"]},
        {"row": 2, "text": "gamma three", "labels": ["a"]},
    ]
    assert pq.read_table(built.artifact.path / "labels.parquet").to_pylist() == [
        {"id": 0, "name": "a", "count": 2},
        {"id": 1, "name": "b", "count": 1},
    ]
    assert built.rejects == []
    facts = built.facts
    assert (facts["task"], facts["label_format"], facts["n_labels"]) == ("binary", "single", 2)
    assert (facts["rows_read"], facts["rows_kept"], facts["rows_rejected"]) == (3, 3, 0)
    assert facts["text_columns"] == ["text"]
    dialect = {"encoding": "utf-8", "delimiter": ",", "quote": '"', "header": True}
    assert facts["dialects"] == [{"file": "small.csv", "format": "csv"} | dialect]
    assert read_labels(built.artifact.path).toarray().tolist() == [[1, 0], [0, 1], [1, 0]]


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.jsonl", "t.jsonl.gz", "t.parquet", "t.tsv", "t.txt"])
def test_every_format_gives_the_same_rows(tmp_path: Path, build: Callable[..., Any], name: str) -> None:
    rows = [line.split(",") for line in SMALL.splitlines()[1:]]
    jsonl = "".join(json.dumps({"label": label, "text": text}) + "\n" for text, label in rows).encode()
    content = {
        "t.csv.gz": gzip.compress(SMALL.encode()),
        "t.csv.zst": pa.compress(SMALL.encode(), "zstd", asbytes=True),
        "t.jsonl": jsonl,
        "t.jsonl.gz": gzip.compress(jsonl),
        "t.tsv": SMALL.replace(",", "\t").encode(),
        "t.txt": SMALL.replace(",", ";").encode(),
    }
    if name == "t.parquet":
        pq.write_table(pa.table(dict(zip(("text", "label"), zip(*rows, strict=True), strict=True))), tmp_path / name)
    else:
        write(tmp_path / name, content[name])
    assert build(tmp_path / name).rows == build(write(tmp_path / "small.csv", SMALL)).rows


def test_many_files_make_dense_rows_and_even_parts(tmp_path: Path, build: Callable[..., Any]) -> None:
    files = []
    for number in range(5):
        lines = [f"text {number} {line},{'abcdefg'[(number + line) % 7]}" for line in range(700)]
        files.append(write(tmp_path / f"f{number}.csv", "\n".join(["text,label", *lines])))
    built = build(*files, partition_rows=1_000)
    parts = sorted(built.artifact.path.glob("part-*.parquet"))
    assert [pq.read_metadata(part).num_rows for part in parts] == [1_000, 1_000, 1_000, 500]
    rows = built.rows
    assert [row["row"] for row in rows] == list(range(3_500))
    assert rows[1_401] == {"row": 1_401, "text": "text 2 1", "labels": ["d"]}
    assert built.facts["task"] == "multiclass"


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path: Path, build: Callable[..., Any]) -> None:
    files = [
        write(tmp_path / f"{n}.csv", "text,label\n" + "".join(f"t{n} {i},{i % 3}|{i % 5}\n,x\n" for i in range(900)))
        for n in range(3)
    ]
    alone = build(*files, partition_rows=1_000, store=tmp_path / "one")
    executor = LocalProcesses(2)
    try:
        spread = build(*files, partition_rows=1_000, store=tmp_path / "two", executor=executor)
    finally:
        executor.close()
    assert spread.artifact.digest == alone.artifact.digest
    assert alone.facts["rows_rejected"] == 2_700


@pytest.mark.parametrize(
    ("cells", "settings", "expected", "found"),
    [
        pytest.param(["a", "b", "c"], {}, [["a"], ["b"], ["c"]], "single", id="single"),
        pytest.param(["10", "9", "9"], {}, [["10"], ["9"], ["9"]], "single", id="numbers"),
        pytest.param(
            ["Drama| Crime", "Crime|War", "War|Drama|Drama", "Drama", "War", "Crime"],
            {},
            [["Crime", "Drama"], ["Crime", "War"], ["Drama", "War"], ["Drama"], ["War"], ["Crime"]],
            "delimited",
            id="joined by bars, trimmed, counted once",
        ),
        pytest.param(
            ["Portland, Oregon", "Salem, Oregon", "Salem, Oregon"],
            {},
            [["Portland, Oregon"], ["Salem, Oregon"], ["Salem, Oregon"]],
            "single",
            id="a comma within a name",
        ),
        pytest.param(["a/b", "a", "b"], {"delimiter": "/"}, [["a", "b"], ["a"], ["b"]], "delimited", id="given"),
        pytest.param(['["a", "b"]', "[]", '["b"]'], {}, [["a", "b"], [], ["b"]], "list", id="JSON lists"),
        pytest.param(["['a', 'b']", "['b']"], {}, [["a", "b"], ["b"]], "list", id="Python lists"),
        pytest.param(
            ['[{"id": 1, "name": "x"}]', '[{"id": 2, "name": "y"}]'], {}, [["x"], ["y"]], "list", id="objects"
        ),
    ],
)
def test_label_cells(  # noqa: PLR0917 - a table of cases
    tmp_path: Path,
    build: Callable[..., Any],
    cells: list[str],
    settings: dict[str, Any],
    expected: list[list[str]],
    found: str,
) -> None:
    lines = "".join(json.dumps({"text": f"t{i}", "label": cell}) + "\n" for i, cell in enumerate(cells))
    built = build(write(tmp_path / "t.jsonl", lines), labels={"columns": "label"} | settings)
    assert [row["labels"] for row in built.rows] == expected
    assert built.facts["label_format"] == found


def test_label_ids_are_sorted_by_number_where_all_are_numbers(tmp_path: Path, build: Callable[..., Any]) -> None:
    built = build(write(tmp_path / "t.csv", "text,label\na,10\nb,9\nc,-1\n"))
    assert built.names == ["-1", "9", "10"]


def test_arrow_lists_keep_empty_rows_and_refuse_null_ones(tmp_path: Path, build: Callable[..., Any]) -> None:
    labels = pa.array([["b", "a"], [], None, ["a", "a"], [None, " "]], pa.list_(pa.string()))
    pq.write_table(pa.table({"text": list("vwxyz"), "label": labels}), tmp_path / "t.parquet")
    built = build(tmp_path / "t.parquet")
    assert [(row["text"], row["labels"]) for row in built.rows] == [("v", ["a", "b"]), ("w", []), ("y", ["a"])]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(3, "no label"), (5, "no label")]
    assert built.facts["task"] == "multilabel"


def test_onehot_columns_keep_their_order_and_zero_rows(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = "text,zeta,alpha,never\na,1,0,0\nb,TRUE,1.0,false\nc,0,0,0\nd,,1,0\ne,2,0,0\n"
    built = build(
        write(tmp_path / "t.csv", content), labels={"columns": ("zeta", "alpha", "never"), "format": "onehot"}
    )
    assert built.names == ["zeta", "alpha", "never"]
    assert [row["labels"] for row in built.rows] == [["zeta"], ["zeta", "alpha"], []]
    assert [(reject["line"], reject["column"], reject["reason"]) for reject in built.rejects] == [
        (5, "zeta", "no label"),
        (6, "zeta", "neither 0 nor 1"),
    ]


def test_rejects_name_line_column_reason_and_text(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = (
        b"text,label,more\n"  # line 1
        b'"two\nlines",a,x\n'  # 2 and 3
        b"too few,b\n"  # 4
        b"  ,a,blank text\n"  # 5
        b"fine,b,x\n"  # 6
        b"no label,,x\n"  # 7
        b"caf\xe9,a,x\n"  # 8
        b"\n"
        b"too,many,x,y\n"  # 10
        b'"stray"quote,a,x\n'  # 11
        b"last,a,x"
    )
    built = build(write(tmp_path / "t.csv", content), encoding="utf-8")
    assert [row["text"] for row in built.rows] == ["two\nlines", "fine", "last"]
    assert [(r["file"], r["line"], r["column"], r["reason"], r["raw"]) for r in built.rejects] == [
        ("t.csv", 4, "more", "too few columns", "too few,b"),
        ("t.csv", 5, "text", "no text", "  ,a,blank text"),
        ("t.csv", 7, "label", "no label", "no label,,x"),
        ("t.csv", 8, "text", "invalid UTF-8", "caf\\xe9,a,x"),
        ("t.csv", 10, None, "too many columns", "too,many,x,y"),
        ("t.csv", 11, "text", "a quote that is stray or not closed", '"stray"quote,a,x'),
    ]
    facts = built.facts
    assert (facts["rows_read"], facts["rows_kept"], facts["rows_rejected"]) == (9, 3, 6)
    assert facts["reject_reasons"]["no text"] == 1
    assert any("6 of 9 rows were rejected" in note for note in built.notes)
    assert any("not UTF-8 (their bytes look like latin-1)" in note for note in built.notes)


def test_bad_json_lines_are_rejects(tmp_path: Path, build: Callable[..., Any]) -> None:
    lines = [
        b'{"text": "one", "label": "a"}',
        b"not json",
        b"[1, 2]",
        b"",
        b'{"text": ["no", "text"], "label": "a"}',
        b'{"text": "caf\xe9", "label": "a"}',
        b'{"text": "half \\ud800", "label": "a"}',
        b'{"text": "two", "label": 3}',
        b'{"text": "three"}',
    ]
    built = build(write(tmp_path / "t.jsonl", b"\n".join(lines)), encoding="utf-8")
    assert [(row["text"], row["labels"]) for row in built.rows] == [("one", ["a"]), ("two", ["3"])]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [
        (2, "not a JSON object"),
        (3, "not a JSON object"),
        (5, "the text is no string"),
        (6, "invalid UTF-8"),
        (7, "invalid UTF-8"),
        (9, "no label"),
    ]
    assert built.rejects[-1]["raw"] == '{"text": "three"}'


def test_several_text_columns_group_split_and_kept_columns(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = "labels,body,who,part,stars,genre\nT1,,p,Train,5,a\n,B2,q,dev,4,b\n,,q,test,3,a\nT4,B4,,TEST,,b\n"
    built = build(
        write(tmp_path / "t.csv", content),
        text=("labels", "body"),
        labels="genre",
        group="who",
        split="part",
        keep=["stars", "body"],
    )
    assert built.facts["text_columns"] == ["labels_text", "body"]
    assert [tuple(row.values()) for row in built.rows] == [
        (0, "T1", "", ["a"], "p", "train", "5"),
        (1, "", "B2", ["b"], "q", "validation", "4"),
        (2, "T4", "B4", ["b"], None, "test", None),
    ]
    assert list(built.rows[0]) == ["row", "labels_text", "body", "labels", "group", "given_split", "stars"]
    assert [reject["reason"] for reject in built.rejects] == ["no text"]


def test_kept_columns_of_parquet_keep_their_type(tmp_path: Path, build: Callable[..., Any]) -> None:
    columns = {"text": ["x", "y"], "label": pa.array(["a", "b"]).dictionary_encode(), "year": [1990, None]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert [row["year"] for row in build(tmp_path / "t.parquet", keep=["year"]).rows] == [1990, None]


@pytest.mark.parametrize(
    ("content", "asked", "task"),
    [
        ("a\nb\na\n", "auto", "binary"),
        ("a\nb\nc\n", "auto", "multiclass"),
        ("a\nb\n", "multiclass", "multiclass"),
        ("a\nb\n", "multilabel", "multilabel"),
        ("a|b\nb|c\nc|a\na\nb\n", "auto", "multilabel"),
    ],
)
def test_task(tmp_path: Path, build: Callable[..., Any], content: str, asked: str, task: str) -> None:
    lines = "".join(f"t,{label}\n" for label in content.split())
    built = build(write(tmp_path / "t.csv", "text,label\n" + lines), labels={"columns": "label", "task": asked})
    assert built.facts["task"] == task
    assert built.notes[0].startswith(task)


@pytest.mark.parametrize(
    ("name", "content", "settings", "error", "message"),
    [
        ("t.csv", "text,label\nx,a\n", {"labels": "labels"}, ColumnNotFoundError, "did you mean 'label'"),
        ("t.csv", "text,label\nx,a\n", {"keep": ["nope"]}, ColumnNotFoundError, "'text', 'label'"),
        ("t.csv", "", {}, DataError, "t.csv is empty"),
        ("t.csv", "text,label\n", {}, DataError, "t.csv has no row"),
        ("t.csv", "text,label\n,a\n ,b\n", {}, DataError, "2 of 2 because of no text.*line 2"),
        ("t.csv", "text,label\nx,a\ny,a\n", {}, DataError, "only 'a' in 'label'"),
        ("t.csv", "text,label\nx,a\ny,b\nz,c\n", {"labels": {"columns": "label", "task": "binary"}}, DataError,
         "3 labels .*multiclass"),
        ("t.csv", "text,label,l2\nx,a,1\ny,b,0\n", {"labels": ("label", "l2")}, LabelShapeError, "'a'"),
        ("t.csv", "text,label\nx,a\ny,b\n", {"labels": {"columns": "label", "format": "delimited"}}, LabelShapeError,
         "no delimiter"),
        ("t.csv", "text,label,s\nx,a,train\ny,b,later\n", {"split": "s"}, DataError, "'later'"),
        ("t.csv", "just one column\nof lines\n", {}, DataError, "no delimiter"),
        ("t.csv", b"PAR1 and more", {}, DataError, "its bytes are a parquet file"),
        ("t.csv.gz", b"not gzip at all", {}, DataError, "t.csv.gz cannot be decompressed"),
        ("t.parquet", b"not parquet", {}, DataError, "t.parquet is not a parquet file"),
        ("t.jsonl", "text,label\n", {}, DataError, "t.jsonl"),
        ("t.jsonl", '{"text": "x", "lable": "a"}', {}, ColumnNotFoundError, "did you mean 'lable'"),
        ("t.docx", b"PK\x03\x04", {}, DataError, "source.format"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(  # noqa: PLR0917 - a table of cases
    tmp_path: Path,
    build: Callable[..., Any],
    name: str,
    content: str | bytes,
    settings: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        build(write(tmp_path / name, content), **settings)
    assert not (tmp_path / "store" / "table").exists()


def test_a_missing_file_is_told(tmp_path: Path, build: Callable[..., Any]) -> None:
    with pytest.raises(SourceNotFoundError, match=r"gone\.csv"):
        build(tmp_path / "gone.csv")


def test_a_column_missing_from_a_later_file_names_that_file(tmp_path: Path, build: Callable[..., Any]) -> None:
    first = write(tmp_path / "one.csv", SMALL)
    second = write(tmp_path / "two.csv", SMALL.replace("label", "category"))
    with pytest.raises(ColumnNotFoundError, match=r"two\.csv has no column 'label'"):
        build(first, second)


def test_files_may_differ_in_dialect_and_order_of_columns(tmp_path: Path, build: Callable[..., Any]) -> None:
    first = write(tmp_path / "one.csv", SMALL)
    second = write(tmp_path / "two.csv", "id;label;text\n1;c;delta, four\n")
    rows = build(first, second).rows
    assert rows[3] == {"row": 3, "text": "delta, four", "labels": ["c"]}


@pytest.mark.parametrize(
    ("column", "format_", "message"),
    [
        (pa.array([{"a": 1}, {"a": 2}]), "auto", "struct<a: int64>"),
        (pa.array([[{"a": 1}], []]), "auto", "list<.*struct"),
        (pa.array([b"x", b"y"]), "single", "binary"),
        (pa.array([["x"], ["y"]]), "single", "Use format: list"),
    ],
)
def test_label_types_that_hold_no_names(
    tmp_path: Path, build: Callable[..., Any], column: pa.Array, format_: str, message: str
) -> None:
    pq.write_table(pa.table({"text": ["a", "b"], "label": column}), tmp_path / "t.parquet")
    with pytest.raises(LabelShapeError, match=message):
        build(tmp_path / "t.parquet", labels={"columns": "label", "format": format_})


@pytest.mark.parametrize("type_", [pa.large_list(pa.large_string()), pa.list_(pa.int8(), 2)])
def test_other_arrow_lists_are_read_too(tmp_path: Path, build: Callable[..., Any], type_: pa.DataType) -> None:
    values = [[1, 2], [2, 2]] if type_.value_type == pa.int8() else [["1", "2"], ["2"]]
    pq.write_table(pa.table({"text": ["a", "b"], "label": pa.array(values, type_)}), tmp_path / "t.parquet")
    assert [row["labels"] for row in build(tmp_path / "t.parquet").rows] == [["1", "2"], ["2"]]
