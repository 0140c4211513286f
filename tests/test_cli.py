"""The command line: bad input is one clear paragraph with exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import sys

import pytest
import yaml

from evenly.cli import main
from small_tables import FILLER, single_label_rows, write_csv, write_genres


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs `evenly ...` here and returns exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["evenly", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def write_config(folder, table, **changes):
    """Write a config for a table; `changes` are dotted names with `__` for the dot."""
    config = {"source": {"files": table.name, "text": "text", "labels": {"columns": "label"}}}
    for name, value in changes.items():
        inner = config
        *sections, field = name.split("__")
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[field] = value
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def write_spam(folder, rows=None):
    rows = rows or [list(row) for row in single_label_rows(200, {"space": 0.9, "law": 0.1})]
    return write_csv(folder / "spam.csv", ["text", "label"], rows)


def test_init_then_run_to_the_shards_and_again(call, tmp_path):
    table = write_genres(tmp_path)
    code, out, _ = call("init", table, "-o", tmp_path / "config.yaml")
    assert code == 0
    assert "text" in out
    written = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert written["source"]["text"] == ["text"]
    assert written["source"]["labels"]["columns"] == ["genres"]
    assert written["source"]["labels"]["delimiter"] == "|"

    stages = ["table", "checks", "split", "stats", "weights", "plan", "tokenizer", "shards"]
    command = ("run", tmp_path / "config.yaml", "--no-prefect", "--until", "shards")
    for what in ("built", "reused"):
        code, out, err = call(*command)
        assert (code, err) == (0, "")
        lines = [line.split() for line in out.splitlines() if len(line.split()) > 1 and line[0] != " "]
        assert [line[0] for line in lines if line[1] == what] == stages


def test_quiet_prints_nothing(call, tmp_path):
    config = write_config(tmp_path, write_spam(tmp_path))

    assert call("run", config, "--no-prefect", "--until", "split", "--quiet") == (0, "", "")


def test_init_does_not_write_over_a_config(call, tmp_path):
    table = write_genres(tmp_path)
    (tmp_path / "config.yaml").write_text("mine: true\n")

    code, _, err = call("init", table, "-o", tmp_path / "config.yaml")

    assert code == 2
    assert "--force" in err
    assert (tmp_path / "config.yaml").read_text() == "mine: true\n"
    assert call("init", table, "-o", tmp_path / "config.yaml", "--force")[0] == 0


def test_inspect_shows_labels_and_imbalance(call, tmp_path):
    code, out, _ = call("inspect", write_genres(tmp_path))

    assert code == 0
    assert "multilabel" in out
    assert "400 read = 400 kept + 0 rejected" in out
    assert "law" in out
    assert "MeanIR" in out


NULLS = [["", "a"], ["", "b"], ["", "a"]]
ONE_CLASS = [[" ".join(FILLER[:5]), "same"], [" ".join(FILLER[5:]), "same"]]


@pytest.mark.parametrize(
    ("rows", "changes", "said"),
    [
        pytest.param(None, {"source__text": "txt"}, "no column 'txt'; did you mean 'text'", id="missing text column"),
        pytest.param(None, {"source__labels__columns": "lable"}, "did you mean 'label'", id="missing label column"),
        pytest.param(None, {"source__labels__format": "onehot"}, "label", id="unknown label shape"),
        pytest.param([], {}, "spam.csv", id="empty table"),
        pytest.param(ONE_CLASS, {}, "same", id="one class"),
        pytest.param(NULLS, {}, "text", id="no text"),
        pytest.param(None, {"store": "spam.csv"}, "Cannot write to the store", id="store that is a file"),
        pytest.param(None, {"tokenize__tokenizer": "./no-such-tokenizer"}, "no-such-tokenizer", id="no tokenizer"),
        pytest.param(None, {"source__files": "none.csv"}, "none.csv", id="no such file"),
    ],
)
def test_bad_input_is_one_paragraph(call, tmp_path, rows, changes, said):
    table = write_spam(tmp_path) if rows is None else write_csv(tmp_path / "spam.csv", ["text", "label"], rows)
    config = write_config(tmp_path, table, **changes)

    code, out, err = call("run", config, "--no-prefect", "--until", "shards")

    assert code == 2
    assert said in err
    assert err.startswith("evenly: ")
    assert "Traceback" not in err + out
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.rglob(".partial-*")) == []


def test_arguments_that_are_wrong_exit_with_2(call, tmp_path):
    config = write_config(tmp_path, write_spam(tmp_path))

    assert call("run", config, "--set", "seed")[0] == 2
    assert call("run", config, "--until", "nowhere", "--no-prefect")[0] == 2
    assert call("run", tmp_path / "missing.yaml")[0] == 2
    assert call("fly")[0] == 2


def test_debug_shows_where_an_error_comes_from(call, tmp_path):
    config = write_config(tmp_path, write_spam(tmp_path), source__text="txt")

    with pytest.raises(ValueError, match="did you mean 'text'"):
        call("run", config, "--no-prefect", "--debug")
