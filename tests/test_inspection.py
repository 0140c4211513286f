"""`evenly inspect`: the same figures in a terminal, as a page and as JSON; a config keeps what was built."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sqlite3
import subprocess
import sys

import pytest
import yaml
from rich.console import Console

from evenly.cli import main
from evenly.inspection import figures as documented
from evenly.inspection import print_glance, print_warnings
from evenly.inspection.advice import find_advice
from evenly.inspection.bars import bar, shown_ranks
from evenly.report.lengths import count_by_length
from small_tables import write_csv

HOSTILE = "<script>alert(1)</script>"
OVERRIDE = "abc\N{RIGHT-TO-LEFT OVERRIDE}fed"
COLOUR = "\x1b[31mred\x1b[0m"
MARKUP = "[red]x[/red]"


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs `evenly inspect ...` here and returns exit code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["evenly", "inspect", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def text_of(number):
    return f"the {number} th sentence has words of its own kind number {number * 7}"


def write_mail(folder, *, flawed=True):
    """Write 41 rows: a text three times, a text with two labels, a label of one row, a row without a label."""
    rows = [[text_of(at), "ham" if at % 4 else "spam"] for at in range(30)]
    if flawed:
        rows += [["call me later please", "ham"]] * 3 + [["win a free prize today", "ham"]] * 2
        rows += [["Win a FREE prize  today", "spam"], [text_of(90), "rare"], [text_of(91), ""]]
        rows += [[f"{text_of(at)} {at}", "ham"] for at in (50, 51, 52)]
    return write_csv(folder / "mail.csv", ["text", "label"], rows)


def write_config(folder, table):
    config = {"source": {"files": table.name, "text": "text", "labels": {"columns": "label"}}, "store": "store"}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def read_json(call, *arguments):
    code, out, err = call(*arguments, "--json", "-")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_figures_of_a_flawed_table(call, tmp_path):
    found = read_json(call, write_mail(tmp_path))

    assert found["task"] == "multiclass"
    assert found["table"] == {
        "text_columns": ["text"],
        "rows_read": 41,
        "rows_kept": 40,
        "rows_rejected": 1,
        "n_labels": 3,
    }
    assert found["rejects"]["reasons"][0]["examples"][0]["line"] == 39
    # Of 30 rows every fourth is spam (8), 22 are ham; ham gets 3 + 2 + 3 more and spam 1.
    assert [(label["name"], label["rows"]) for label in found["labels"]] == [("ham", 30), ("spam", 9), ("rare", 1)]
    assert found["statistics"]["max_ir"] == 30.0
    assert found["statistics"]["mean_ir"] == pytest.approx((1 + 30 / 9 + 30) / 3, abs=1e-6)
    assert found["rare_labels"] == [{"rows": 1, "n_labels": 1, "labels": ["rare"]}]
    findings = {each["name"]: each for each in found["findings"]}
    assert findings["duplicate_texts"]["rows"] == 4
    assert findings["conflicting_labels"]["rows"] == 3
    assert findings["near_duplicates"]["looked"] is False
    assert findings["splits_share_texts"]["looked"] is False
    advised = [each["name"] for each in found["advice"]]
    assert set(advised) >= {"conflicting_labels", "labels_of_one_row", "rejected_rows"}
    assert advised.index("conflicting_labels") < advised.index("labels_of_one_row")


def test_the_terminal_tells_the_same(call, tmp_path):
    code, out, err = call(write_mail(tmp_path))

    assert (code, err) == (0, "")
    assert "41 read = 40 kept + 1 rejected" in out
    assert "MeanIR 11.4, MaxIR 30.0" in out
    assert "1 row        1 label: rare" in out
    assert "What to do" in out
    assert not any(line.endswith(" ") for line in out.splitlines())
    assert max(map(len, out.splitlines())) <= 100
    assert "\x1b" not in out


def test_a_table_without_a_flaw_says_so(call, tmp_path):
    table = write_mail(tmp_path, flawed=False)

    assert "Nothing was found that has to be mended" in call(table)[1]
    assert call(table, "--quiet", "--strict") == (0, "", "")


def test_quiet_prints_warnings_and_strict_exits_with_3(call, tmp_path):
    code, out, err = call(write_mail(tmp_path), "--quiet", "--strict")

    assert (code, err) == (3, "")
    assert out
    assert all(line.startswith("warning ") for line in out.splitlines())
    assert any("no split can both train and test it" in line for line in out.splitlines())


def test_documented_keys_are_those_of_the_file(call, tmp_path):
    target = tmp_path / "found.json"
    call(write_mail(tmp_path), "--json", target)
    found = json.loads(target.read_text())

    table = str(documented.__doc__).split("=  ")[1]
    first_column = [line.split("  ")[0] for line in table.splitlines() if line.startswith("`")]
    assert [name for cell in first_column for name in re.findall(r"`(\w+)`", cell)] == list(found)
    assert found["format_version"] == 1


def test_a_config_keeps_what_was_built(call, tmp_path, monkeypatch):
    config = write_config(tmp_path, write_mail(tmp_path))
    from_config = read_json(call, config)
    built = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").rglob("manifest.json")}

    assert {path.parent.parent.name for path in built} == {"table", "checks"}
    assert read_json(call, config) == from_config
    monkeypatch.setattr(sys, "argv", ["evenly", "run", str(config), "--no-prefect", "--until", "split", "--quiet"])
    main_ended(main)
    assert {path: path.stat().st_mtime_ns for path in built} == built
    kept = [path for stage in ("table", "checks") for path in (tmp_path / "store" / stage).glob("*/manifest.json")]
    assert set(kept) == set(built), "the run has found both"


def main_ended(function):
    try:
        function()
    except SystemExit as end:
        assert not end.code  # noqa: PT017 - the command line ends so


def test_a_table_leaves_nothing_behind(call, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    table = write_mail(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    assert call(table)[0] == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_near_duplicates_are_looked_for_where_asked(call, tmp_path):
    table = write_csv(
        tmp_path / "near.csv",
        ["text", "label"],
        [[text_of(at), "ab"[at % 2]] for at in range(20)]
        + [[" ".join(f"word{at}" for at in range(start, start + 30)), "a"] for start in (0, 1)],
    )

    findings = {each["name"]: each for each in read_json(call, table, "--near-duplicates", "0.8")["findings"]}
    assert findings["near_duplicates"]["looked"] is True
    assert findings["near_duplicates"]["rows"] >= 2


def test_a_database_takes_a_query(call, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "mail.db")) as connection:
        connection.execute("create table mail (text text, label text)")
        rows = [(text_of(at), "ham" if at % 4 else "spam") for at in range(30)]
        connection.executemany("insert into mail values (?, ?)", rows)
        connection.commit()

    found = read_json(call, f"sqlite:///{tmp_path / 'mail.db'}", "--query", "select * from mail")
    assert [(label["name"], label["rows"]) for label in found["labels"]] == [("ham", 22), ("spam", 8)]
    assert call(write_config(tmp_path, write_mail(tmp_path)), "--query", "select 1")[0] == 2


def test_nothing_heavy_is_loaded(tmp_path):
    script = (
        "import sys; from evenly.cli import main\n"
        f"sys.argv = ['evenly', 'inspect', {str(write_mail(tmp_path))!r}, '--json', '-']\n"
        "if __name__ == '__main__':\n try: main()\n except SystemExit: pass\n"
        " print('loaded', *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    (tmp_path / "inspecting.py").write_text(script)
    ended = subprocess.run([sys.executable, tmp_path / "inspecting.py"], capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.rsplit("loaded", 1)[1].split())
    assert json.loads(ended.stdout)["format_version"] == 1
    assert loaded.isdisjoint({"tensorflow", "keras", "prefect", "transformers", "sklearn", "datasets", "jinja2"})


def test_arguments_that_are_wrong_exit_with_2(call, tmp_path):
    table = write_mail(tmp_path)

    assert call(table, "--near-duplicates", "1.5")[0] == 2
    assert call(tmp_path / "none.csv")[0] == 2
    assert call(tmp_path / "none.yaml")[0] == 2
    code, _, err = call(table, "--html", tmp_path / "no" / "such" / "page.html")
    assert (code, "Name another file" in err) == (2, True)


def test_hostile_names_and_texts_are_shown_not_obeyed(call, tmp_path):
    names = (HOSTILE, OVERRIDE, COLOUR, MARKUP)
    rows = [[f"{text_of(at)} {names[at % 4]}", names[at % 4]] for at in range(24)]
    table = write_csv(tmp_path / "hostile.csv", ["text", "label"], [*rows, rows[0], rows[1], rows[2], rows[3]])
    page = tmp_path / "page.html"

    code, out, _ = call(table, "--html", page)
    assert code == 0
    assert HOSTILE in out
    assert MARKUP in out
    assert r"abc\u202efed" in out
    assert r"\x1b[31mred" in out
    html = page.read_text(encoding="utf-8")
    for text in (out, html):
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert html.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    printed = call(table, "--json", "-")[1]
    assert printed.isascii()
    assert {label["name"] for label in json.loads(printed)["labels"]} == set(names)


FOUND = {
    "title": "mail.csv",
    "task": "multilabel",
    "advice": [],
    "table": {
        "text_columns": ["subject", "text"],
        "rows_read": 1234,
        "rows_kept": 1230,
        "rows_rejected": 4,
        "n_labels": 3,
    },
    "source": [
        {"file": "mail.csv", "format": "csv", "encoding": "cp1252", "delimiter": ";", "quote": '"', "header": True}
    ],
    "rejects": {
        "count": 4,
        "reasons": [
            {
                "reason": "too few columns",
                "count": 4,
                "examples": [{"file": "mail.csv", "line": 1017, "column": None, "raw": "x"}],
            }
        ],
        "other": 0,
    },
    "findings": [
        {
            "name": "conflicting_labels",
            "title": "One text, different labels",
            "sentence": "7 rows of 3 texts disagree: set checks.on_conflict to drop or first.",
            "rows": 7,
            "cases": 3,
            "severity": "warning",
            "looked": True,
            "examples": [
                {
                    "n_rows": 3,
                    "rows": [1, 2, 3],
                    "text": "Your order has been shipped and will arrive on the day that nobody knows",
                    "texts": [],
                    "held": [["work"], ["work", "shop"], []],
                    "splits": [],
                    "words": [],
                    "similarity": None,
                    "spellings": [],
                }
            ],
        },
        {"name": "near_duplicates", "title": "Nearly the same text", "rows": 0, "looked": False, "severity": "ok"},
        {"name": "text_is_label", "title": "Texts that are their label", "rows": 0, "looked": True, "severity": "ok"},
    ],
    "lengths": {
        "words": {"median": 12.0, "q05": 3.0, "q95": 48.5, "largest": 120.0},
        "characters": {"median": 70.0, "q05": 15.0, "q95": 300.0, "largest": 790.0},
        "histogram": [
            {"first": 2, "last": 4, "rows": 100},
            {"first": 5, "last": 9, "rows": 400},
            {"first": 10, "last": 19, "rows": 700},
            {"first": 20, "last": 49, "rows": 0},
            {"first": 50, "last": 99, "rows": 30},
        ],
    },
    "statistics": {
        "mean_ir": 341.0,
        "max_ir": 1020.0,
        "cvir": 1.72,
        "scumble": 0.0123,
        "cardinality": 1.1,
        "n_labelsets": 4,
        "n_labelsets_once": 1,
        "n_unlabelled": 0,
    },
    "labels": [
        {"name": "work", "rows": 1020, "share": 0.829, "irlbl": 1.0},
        {"name": "shop", "rows": 510, "share": 0.415, "irlbl": 2.0},
        {"name": "tax", "rows": 1, "share": 0.001, "irlbl": 1020.0},
    ],
    "rare_labels": [{"rows": 1, "n_labels": 1, "labels": ["tax"]}],
    "labels_per_row": [{"labels": 1, "rows": 900, "share": 0.73}, {"labels": 2, "rows": 330, "share": 0.27}],
    "pairs": [{"label": "shop", "other": "work", "rows": 330, "lift": 0.8}],
}

AT_80 = """\
mail.csv  multilabel, several labels a row
rows         1,234 read = 1,230 kept + 4 rejected
             4 too few columns, first mail.csv line 1,017
source       mail.csv: csv, cp1252, delimiter semicolon, quote double
text         subject, text
words        median 12, 90 % from 3 to 48, longest 120  2 ▂▅█ ▁ 99
characters   median 70, 90 % from 15 to 300, longest 790

Texts
   found                       rows  cases  such as
!  One text, different labels     7      3  Your order has…  work / work, shop…
looked for, not found: Texts that are their label
not looked for: Nearly the same text (--near-duplicates 0.8)

Labels
#  label   rows  share    IRLbl
1  work   1,020  82.9%      1.0  ███████████████████████████████████████████████
2  shop     510  41.5%      2.0  ███████████████████████▌
3  tax        1   0.1%  1,020.0  ▏

imbalance    MeanIR 341.0, MaxIR 1,020.0, CVIR 1.720, SCUMBLE 0.012
a row        1.10 labels (1: 900, 2: 330), 4 combinations, 1 of them once
1 row        1 label: tax
together     shop + work  330 rows, lift 0.8

╭─ What to do ─────────────────────────────────────────────────────────────────╮
│ 1 7 rows of 3 texts disagree: set checks.on_conflict to drop or first.       │
│ 2 The label 'tax' has one row: no split can both train and test it.          │
│   source.labels.min_count: 2 takes it off, source.labels.rename merges it    │
│   with others.                                                               │
│ 3 4 of 1,234 rows were rejected for: too few columns (first mail.csv line    │
│   1,017). Mend the file, or say how it is to be read: source.encoding,       │
│   on_bad_bytes, delimiter, quote, labels.                                    │
│   and 1 more: --html FILE shows all                                          │
╰──────────────────────────────────────────────────────────────────────────────╯
"""

AT_120 = """\
mail.csv  multilabel, several labels a row
rows         1,234 read = 1,230 kept + 4 rejected
             4 too few columns, first mail.csv line 1,017
source       mail.csv: csv, cp1252, delimiter semicolon, quote double
text         subject, text
words        median 12, 90 % from 3 to 48, longest 120  2 ▂▅█ ▁ 99
characters   median 70, 90 % from 15 to 300, longest 790

Texts
   found                       rows  cases  such as
!  One text, different labels     7      3  Your order has been shipped and will arrive on th…  work / work, shop / none
looked for, not found: Texts that are their label
not looked for: Nearly the same text (--near-duplicates 0.8)

Labels
#  label   rows  share    IRLbl
1  work   1,020  82.9%      1.0  ████████████████████████████████████████████████████████████
2  shop     510  41.5%      2.0  ██████████████████████████████
3  tax        1   0.1%  1,020.0  ▏

imbalance    MeanIR 341.0, MaxIR 1,020.0, CVIR 1.720, SCUMBLE 0.012
a row        1.10 labels (1: 900, 2: 330), 4 combinations, 1 of them once
1 row        1 label: tax
together     shop + work  330 rows, lift 0.8

╭─ What to do ─────────────────────────────────────────────────────────────────────────────────────────────────────────╮
│ 1 7 rows of 3 texts disagree: set checks.on_conflict to drop or first.                                               │
│ 2 The label 'tax' has one row: no split can both train and test it. source.labels.min_count: 2 takes it off,         │
│   source.labels.rename merges it with others.                                                                        │
│ 3 4 of 1,234 rows were rejected for: too few columns (first mail.csv line 1,017). Mend the file, or say how it is to │
│   be read: source.encoding, on_bad_bytes, delimiter, quote, labels.                                                  │
│   and 1 more: --html FILE shows all                                                                                  │
╰──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────╯
"""


@pytest.mark.parametrize(("width", "expected"), [(80, AT_80), (120, AT_120)])
def test_what_a_pipe_gets(width, expected):
    stream = io.StringIO()
    found = FOUND | {"advice": find_advice(FOUND)}
    print_glance(Console(file=stream, width=width, highlight=False), found)

    assert stream.getvalue() == expected


def test_a_terminal_of_ascii_gets_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    print_glance(Console(file=stream, width=80), FOUND | {"advice": find_advice(FOUND)})

    stream.flush()
    assert "####" in stream.buffer.getvalue().decode("ascii")


def test_colour_stands_only_where_something_is_said():
    stream = io.StringIO()
    quiet = FOUND | {"advice": [{"name": "a", "severity": "note", "sentence": "x"}], "findings": []}
    quiet |= {"rejects": {"count": 0, "reasons": [], "other": 0}}
    console = Console(file=stream, width=80, highlight=False, force_terminal=True, color_system="standard")
    print_glance(console, quiet)

    assert "\x1b[1m" in stream.getvalue(), "headings are bold"
    assert not re.search(r"\x1b\[(\d+;)*3[1-7]m", stream.getvalue())
    warned = io.StringIO()
    print_warnings(Console(file=warned, width=40), FOUND | {"advice": find_advice(FOUND)})
    assert len(warned.getvalue().splitlines()) == 2


@pytest.mark.parametrize(
    ("value", "largest", "width", "expected"),
    [
        (0, 100, 10, ""),
        (1, 1_000_000, 10, "▏"),
        (100, 100, 3, "███"),
        (50, 100, 3, "█▌"),
        (9, 16, 2, "█▏"),
    ],
)
def test_bars_to_an_eighth(value, largest, width, expected):
    assert bar(value, largest, width) == expected


def test_many_labels_show_head_middle_and_tail():
    assert shown_ranks(20) == list(range(20))
    shown = shown_ranks(1000)
    assert len(shown) == len(set(shown)) == 20
    assert shown[:8] == list(range(8))
    assert shown[-6:] == list(range(994, 1000))
    assert shown == sorted(shown)
    assert len(set(shown_ranks(21))) == 20


def test_lengths_are_counted_in_round_ranges():
    import numpy as np

    found = count_by_length(np.array([2, 4, 5, 9, 10, 120], np.int32))
    assert [(each["first"], each["last"], each["rows"]) for each in found] == [
        (2, 4, 2),
        (5, 9, 2),
        (10, 19, 1),
        (20, 49, 0),
        (50, 99, 0),
        (100, 199, 1),
    ]
    assert count_by_length(np.array([], np.int32)) == []
    assert count_by_length(np.array([0, 0, 1], np.int32)) == [
        {"first": 0, "last": 0, "rows": 2},
        {"first": 1, "last": 1, "rows": 1},
    ]
