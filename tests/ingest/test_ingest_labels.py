"""Labels of every shape, renamed, merged, dropped, counted: what a row holds, and that every row is accounted for."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenly.config import LabelsConfig
from evenly.errors import ConfigError, DataError, LabelShapeError
from evenly.executor import LocalProcesses
from evenly.ingest import all_rejects
from evenly.ingest.labelling import emptied

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_jsonl(path: Path, labels: list[Any], **columns: list[Any]) -> Path:
    rows = [{"text": f"t{number}", "label": label} for number, label in enumerate(labels)]
    for name, cells in columns.items():
        for row, cell in zip(rows, cells, strict=True):
            row[name] = cell
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def held(built: Any) -> list[list[str]]:
    return [row["labels"] for row in built.rows]


def counted(built: Any) -> dict[str, int]:
    columns = pq.read_table(built.artifact.path / "labels.parquet").to_pydict()
    return dict(zip(columns["name"], columns["count"], strict=True))


def test_shares_are_held_from_the_threshold_on(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = "text,joy,fear\na,0.5,.49\nb,1,0\nc,0.2,0.1\nd,1.2,0\ne,-0.1,1\nf,many,1\ng,,1\nh,5e-1,1.0\n"
    (tmp_path / "t.csv").write_text(content)
    built = build(tmp_path / "t.csv", labels={"columns": ("joy", "fear"), "format": "fractions"})
    assert [(row["text"], row["labels"]) for row in built.rows] == [
        ("a", ["joy"]),
        ("b", ["joy"]),
        ("c", []),
        ("h", ["joy", "fear"]),
    ]
    assert [(reject["line"], reject["column"], reject["reason"]) for reject in built.rejects] == [
        (5, "joy", "no share between 0 and 1"),
        (6, "joy", "no share between 0 and 1"),
        (7, "joy", "no share between 0 and 1"),
        (8, "joy", "no label"),
    ]
    assert (built.facts["label_format"], built.facts["task"]) == ("fractions", "multilabel")


def test_a_share_reaches_the_threshold_in_the_precision_in_which_it_is_stored(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    shares = [0.7, 0.69, float("nan"), None]
    columns = {
        "text": list("abcd"),
        "x": pa.array(shares, pa.float32()),
        "y": pa.array([1, 0, 1, 1], pa.int8()),
        "z": pa.array([True, False, True, True]),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    labels = {"columns": ("x", "y", "z"), "format": "fractions", "threshold": 0.7}
    built = build(tmp_path / "t.parquet", labels=labels)
    assert held(built) == [["x", "y", "z"], []]
    assert [reject["reason"] for reject in built.rejects] == ["no label", "no label"]


def test_columns_of_shares_are_found_by_looking(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("text,joy,fear\na,0.7,0.3\nb,0,1\nc,0.1,0.9\n")
    built = build(tmp_path / "t.csv", labels=("joy", "fear"))
    assert held(built) == [["joy"], ["fear"], ["fear"]]
    assert built.facts["task"] == "binary"
    assert any("2 columns of shares, held from 0.5 on (labels.format: fractions)" in note for note in built.notes)


@pytest.mark.parametrize("last", ["1.5", "-1", "yes"])
def test_columns_of_other_numbers_are_no_labels(tmp_path: Path, build: Callable[..., Any], last: str) -> None:
    (tmp_path / "t.csv").write_text(f"text,joy,fear\na,0.7,0.3\nb,0,{last}\n")
    with pytest.raises(LabelShapeError, match=f"column 'fear' holds '{last}'"):
        build(tmp_path / "t.csv", labels=("joy", "fear"))


@pytest.mark.parametrize("kind", ["JSON text", "Python text", "struct", "map"])
def test_objects_of_name_and_share(tmp_path: Path, build: Callable[..., Any], kind: str) -> None:
    shares = [{"joy": 0.7, "fear": 0.2}, {"joy": 0.1, "fear": 1.0}, {"joy": None, "fear": 0.0}, None]
    write = {"JSON text": json.dumps, "Python text": repr}.get(kind)
    if write:
        cells = pa.array([value and write(value) for value in shares])
    elif kind == "struct":
        cells = pa.array(shares)
    else:
        cells = pa.array([value and list(value.items()) for value in shares], pa.map_(pa.string(), pa.float64()))
    pq.write_table(pa.table({"text": list("abcd"), "label": cells}), tmp_path / "t.parquet")
    built = build(tmp_path / "t.parquet")
    assert held(built) == [["joy"], ["fear"], []]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(4, "no label")]
    assert built.facts["label_format"] == "fractions"


def test_objects_in_json_lines_and_what_is_none(tmp_path: Path, build: Callable[..., Any]) -> None:
    labels = [{"a": 1, "b": 0.6}, {"c": True}, {"a": "much"}, {"a": 2}, ["a"], "a", {"": 1}]
    path = write_jsonl(tmp_path / "t.jsonl", labels)
    built = build(path, labels={"columns": "label", "format": "fractions"})
    assert held(built) == [["a", "b"], ["c"]]
    not_shares = "no object of names and shares between 0 and 1"
    reasons = [(reject["line"], reject["reason"]) for reject in built.rejects]
    assert reasons == [(3, not_shares), (4, not_shares), (5, not_shares), (6, not_shares), (7, "no label")]


def test_one_column_of_shares_is_one_label(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("text,toxic\na,0.8\nb,0.1\nc,0.5\n")
    built = build(tmp_path / "t.csv", labels={"columns": "toxic", "format": "fractions"})
    assert held(built) == [["toxic"], [], ["toxic"]]


def test_lists_of_structures_have_their_names(tmp_path: Path, build: Callable[..., Any]) -> None:
    objects = [[{"id": 1, "name": "x"}, {"id": 2, "name": "y"}], [{"id": 1, "name": "x"}], []]
    pq.write_table(pa.table({"text": list("abc"), "label": objects}), tmp_path / "t.parquet")
    assert held(build(tmp_path / "t.parquet")) == [["x", "y"], ["x"], []]


def test_half_a_surrogate_pair_in_a_list_is_a_reject(tmp_path: Path, build: Callable[..., Any]) -> None:
    cells = ['["a"]', '["\\ud800"]', '["b", "\\u00e9"]', r"['a\d']"]
    built = build(write_jsonl(tmp_path / "t.jsonl", cells), labels={"columns": "label", "format": "list"})
    assert held(built) == [["a"], ["b", "é"], ["a\\d"]]
    assert [reject["reason"] for reject in built.rejects] == ["the label is no list"]


def test_two_names_with_the_same_new_name_are_one_label(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [["neg", " bad "], ["bad"], ["pos"], ["neg"], ["b"]])
    labels = {"columns": "label", "rename": {" neg": "negative ", "bad": "negative", "b": "bad", "posi": "x"}}
    built = build(path, labels=labels)
    assert held(built) == [["negative"], ["negative"], ["pos"], ["negative"], ["bad"]]
    assert counted(built) == {"bad": 1, "negative": 3, "pos": 1}
    assert built.facts["task"] == "multiclass"
    assert any(note.startswith("labels renamed (labels.rename): 'neg' to 'negative', 'bad'") for note in built.notes)
    assert "labels.rename names 'posi', which no row holds; did you mean 'pos'?" in built.notes


def test_onehot_columns_are_renamed_merged_and_dropped(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("text,z,y,x,w\na,1,1,0,0\nb,0,1,0,1\nc,0,0,1,0\nd,0,0,0,1\n")
    labels = {"columns": ("z", "y", "x", "w"), "rename": {"y": "new", "z": "new"}, "drop": ["w", "never"]}
    built = build(tmp_path / "t.csv", labels=labels)
    assert built.names == ["new", "x"]
    assert held(built) == [["new"], ["new"], ["x"], []]
    assert "label dropped (labels.drop): 'w' (2 rows)" in built.notes
    assert any("labels.drop names 'never', which no row holds" in note for note in built.notes)
    assert (built.facts["n_labels_dropped"], built.facts["n_unlabelled"]) == (1, 1)
    assert any(note.startswith("1 row holds no label and is kept") for note in built.notes)


def test_rows_whose_one_label_is_taken_off_are_rejects_with_their_place(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    first.write_text('text,label\na,x\n"b\nb",rare\nc,\nd,y\ne,gone\nf,x\n')
    second.write_text("text,label\ng,y\nh,once\ni,x\nj,rare\n")
    labels = {"columns": "label", "min_count": 2, "drop": ["gone"]}
    built = build(first, second, labels=labels)
    assert [(row["row"], row["text"], row["labels"]) for row in built.rows] == [
        (0, "a", ["x"]),
        (1, "b\nb", ["rare"]),
        (2, "d", ["y"]),
        (3, "f", ["x"]),
        (4, "g", ["y"]),
        (5, "i", ["x"]),
        (6, "j", ["rare"]),
    ]
    assert [tuple(reject.values()) for reject in built.rejects] == [
        ("1.csv", 5, "label", "no label", "c,"),
        ("1.csv", 7, "label", "only dropped labels", "e,gone"),
        ("2.csv", 3, "label", "only rare labels", "h,once"),
    ]
    facts = built.facts
    assert (facts["rows_read"], facts["rows_kept"], facts["rows_rejected"]) == (10, 7, 3)
    assert facts["reject_reasons"]["only rare labels"] == 1
    assert facts["task"] == "multiclass"
    assert any("1 label with fewer than 2 rows was taken off (labels.min_count): 'once' (1" in n for n in built.notes)


def test_many_rejects_come_piece_by_piece_in_the_order_of_their_lines(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_rejects, "_PIECE_ROWS", 3)
    monkeypatch.setattr(emptied, "_BATCH_ROWS", 2)
    labels = [name and name.format(number) for number, name in enumerate(["rare{}", "a", None, "gone", "b", "c"] * 5)]
    path = write_jsonl(tmp_path / "t.jsonl", labels)
    built = build(path, labels={"columns": "label", "format": "single", "min_count": 2, "drop": ["gone"]})
    reasons = {0: "only rare labels", 2: "no label", 3: "only dropped labels"}
    assert [(reject["line"], reject["reason"], json.loads(reject["raw"])["label"]) for reject in built.rejects] == [
        (number + 1, reasons[number % 6], label) for number, label in enumerate(labels) if number % 6 in reasons
    ]


def test_rows_of_several_labels_stay_without_the_rare_ones(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [["x", "y"], ["rare"], ["x"], ["y", "once"]])
    labels = {"columns": "label", "min_count": 2}
    assert held(build(path, labels=labels)) == [["x", "y"], [], ["x"], ["y"]]
    refused = build(path, labels=labels | {"unlabelled": "reject"})
    assert held(refused) == [["x", "y"], ["x"], ["y"]]
    assert [(reject["line"], reject["reason"]) for reject in refused.rejects] == [(2, "only rare labels")]


@pytest.mark.parametrize(
    ("unlabelled", "texts"),
    [("auto", ["t0", "t1"]), ("keep", ["t0", "t1", "t2", "t3"]), ("reject", ["t0"])],
)
def test_rows_without_a_label(tmp_path: Path, build: Callable[..., Any], unlabelled: str, texts: list[str]) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [["a", "b"], [], None, [" "]])
    built = build(path, labels={"columns": "label", "format": "list", "unlabelled": unlabelled})
    assert [row["text"] for row in built.rows] == texts
    assert {reject["reason"] for reject in built.rejects} <= {"no label"}
    assert len(built.rejects) == 4 - len(texts)


def test_blank_cells_of_onehot_columns_count_as_zeros_where_all_rows_are_kept(
    tmp_path: Path, build: Callable[..., Any]
) -> None:
    (tmp_path / "t.csv").write_text("text,x,y\na,1,\nb,,1\nc,,\nd,2,1\n")
    built = build(tmp_path / "t.csv", labels={"columns": ("x", "y"), "format": "onehot", "unlabelled": "keep"})
    assert held(built) == [["x"], ["y"], []]
    assert [reject["reason"] for reject in built.rejects] == ["neither 0 nor 1"]


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ({"unlabelled": "keep"}, ConfigError, "labels.unlabelled is 'keep', but column 'label' holds one name"),
        ({"rename": {"a": " "}}, ConfigError, "labels.rename gives 'a' no new name"),
        ({"min_count": 9}, DataError, "3 of 3 because of only rare labels"),
        ({"drop": ["a"]}, DataError, "Nothing to learn: the 1 rows hold only 'b'"),
    ],
)
def test_rules_that_leave_nothing(
    tmp_path: Path, build: Callable[..., Any], labels: dict[str, Any], error: type[Exception], message: str
) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", ["a", "b", "a"])
    with pytest.raises(error, match=message):
        build(path, labels={"columns": "label", **labels})


def test_no_label_is_left_of_many(tmp_path: Path, build: Callable[..., Any]) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", [["a", "b"], ["a"], ["c"]])
    with pytest.raises(
        DataError, match=r"No label is left of 3: 1 are dropped .* 2 have fewer than 5 .*'b' has most, 1\."
    ):
        build(path, labels={"columns": "label", "min_count": 5, "drop": ["a"]})
    with pytest.raises(DataError, match=r"No label is left of 3: labels.drop names all of them"):
        build(path, labels={"columns": "label", "drop": list("abc")})


def test_numbers_name_labels_in_the_config_too() -> None:
    config = LabelsConfig.model_validate({"columns": "y", "rename": {0: "ham", 1: "spam"}, "drop": [3]})
    assert (config.rename, config.drop) == ({"0": "ham", "1": "spam"}, ("3",))


def test_a_column_of_identifiers_is_told(tmp_path: Path, build: Callable[..., Any]) -> None:
    built = build(write_jsonl(tmp_path / "t.jsonl", [f"s{number}" for number in range(9)] + ["s1"]))
    assert any("8 of 9 labels have a single row: label looks like an identifier" in note for note in built.notes)
    many = build(write_jsonl(tmp_path / "m.jsonl", [["a", "b", f"s{number}"] for number in range(9)]))
    assert any("9 of 11 labels have a single row, which no test can measure" in note for note in many.notes)


def test_odd_names_stay_as_they_are(tmp_path: Path, build: Callable[..., Any]) -> None:
    names = ["a\nb", "\x00", "x" * 5_000, "tab\tname", "'quoted'", "ünï", "٣", "A", "a"]
    built = build(write_jsonl(tmp_path / "t.jsonl", [[name, "a"] for name in names]), labels={"columns": "label",
        "drop": names[:3]})  # fmt: skip
    assert built.names == sorted(names[3:])
    assert all(len(note) < 500 and "\n" not in note for note in built.notes)


NAMES = st.sampled_from(["a", "b", "c", "d", "e", " a", "b ", "", "neu\u0308", "\U0001f600"])
SETTINGS = st.fixed_dictionaries(
    {
        "rename": st.dictionaries(st.sampled_from("abcdz"), st.sampled_from(["a", "b", "new"]), max_size=3),
        "drop": st.lists(st.sampled_from(["a", "b", "new", "zz"]), max_size=2, unique=True),
        "min_count": st.integers(1, 4),
        "unlabelled": st.sampled_from(["auto", "keep", "reject"]),
    }
)


def expect(rows: list[list[str] | None], rules: dict[str, Any]) -> tuple[list[list[str]], int] | None:
    """Return what the rows hold and how many are refused, the plain way; None where nothing can be learned."""
    renamed = [
        None if row is None else sorted({rules["rename"].get(n.strip(), n.strip()) for n in row if n.strip()})
        for row in rows
    ]
    if rules["unlabelled"] == "keep":
        there = [row or [] for row in renamed]
    elif rules["unlabelled"] == "reject":
        there = [row for row in renamed if row]
    else:
        there = [now for now, row in zip(renamed, rows, strict=True) if now or row == []]
    counts = Counter(name for row in there for name in row)
    left = {name for name, count in counts.items() if count >= rules["min_count"] and name not in rules["drop"]}
    after = [[name for name in row if name in left] for row in there]
    one_each = all(len(row) == 1 for row in there)
    if rules["unlabelled"] == "reject" or (rules["unlabelled"] == "auto" and one_each):
        after = [now for now, row in zip(after, there, strict=True) if now or not row]
    if not after or not left or (len(left) < 2 and all(len(row) == 1 for row in after)):
        return None
    return after, len(rows) - len(after)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.none() | st.lists(NAMES, max_size=3), min_size=1, max_size=14),
    rules=SETTINGS,
    n_files=st.integers(1, 3),
)
def test_rules_are_what_a_plain_reading_of_them_is(
    tmp_path_factory: pytest.TempPathFactory,
    build: Callable[..., Any],
    rows: list[list[str] | None],
    rules: dict[str, Any],
    n_files: int,
) -> None:
    folder = tmp_path_factory.mktemp("rules")
    shares = [rows[number::n_files] for number in range(n_files)]
    files = [write_jsonl(folder / f"{number}.jsonl", share) for number, share in enumerate(shares) if share]
    expected = expect(list(itertools.chain(*shares)), rules)
    labels = {"columns": "label", "format": "list", **rules}
    if expected is None:
        with pytest.raises(DataError):
            build(*files, labels=labels, store=folder / "store")
        return
    built = build(*files, labels=labels, store=folder / "store", partition_rows=1_000)
    assert held(built) == expected[0]
    assert counted(built) == Counter(name for row in expected[0] for name in row)
    assert len(built.rejects) == built.facts["rows_rejected"] == expected[1]
    assert built.facts["rows_read"] == len(rows)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=4))
def test_any_name_survives(
    tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Any], cells: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    path = write_jsonl(folder / "t.jsonl", [*([cell] for cell in cells), ["a", "b"]])
    built = build(path, labels={"columns": "label", "format": "list", "unlabelled": "keep"}, store=folder / "store")
    assert held(built) == [*([cell.strip()] if cell.strip() else [] for cell in cells), ["a", "b"]]
    assert len(set(built.names)) == len(built.names)


def test_bytes_do_not_depend_on_the_workers_where_rows_lose_labels(tmp_path: Path, build: Callable[..., Any]) -> None:
    files = []
    for number in range(3):
        labels = [f"l{(row * row + number) % 97}" for row in range(900)]
        files.append(write_jsonl(tmp_path / f"{number}.jsonl", labels, year=[row + number for row in range(900)]))
    given = {"labels": {"columns": "label", "min_count": 50}, "keep": ["year"], "partition_rows": 1_000}
    alone = build(*files, **given, store=tmp_path / "one")
    executor = LocalProcesses(2)
    try:
        spread = build(*files, **given, store=tmp_path / "two", executor=executor)
    finally:
        executor.close()
    assert spread.artifact.digest == alone.artifact.digest
    assert 0 < alone.facts["rows_kept"] < 2_700
    assert min(counted(alone).values()) >= 50
    rows = pq.read_table(min(alone.artifact.path.glob("part-*.parquet")))
    assert rows["year"].type == pa.int64()
