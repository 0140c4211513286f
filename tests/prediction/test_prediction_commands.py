"""`evenly predict` on the command line: counts that add up, sources by name, errors in one sentence."""

from __future__ import annotations

import json
import sqlite3

import pytest
from typer.testing import CliRunner

from evenly.cli import app
from evenly.errors import StoreError


def run(*arguments):
    answer = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_predict_counts_its_rows(model, tmp_path):
    (tmp_path / "new.csv").write_text("id,Text\n1,goal\n2,\n", encoding="utf-8")
    target = tmp_path / "out.jsonl"
    shown = run("predict", model, tmp_path / "new.csv", "-o", target, "--keep", "id", "--top", "1")
    assert "2 rows read, 1 predicted, 1 rejected\n  1 no text\n" in shown
    assert str(tmp_path / "out.rejects.jsonl") in shown.replace("\n", "")
    [row] = map(json.loads, target.read_text(encoding="utf-8").splitlines())
    assert row == {"row": 0, "id": "1", "labels": ["sport"], "probabilities": {"sport": pytest.approx(0.9)}}


def test_predict_reads_a_database_and_keeps_quiet(model, tmp_path):
    with sqlite3.connect(tmp_path / "texts.db") as connection:
        connection.execute("create table notes (body text)")
        connection.execute("insert into notes values ('bread')")
    connection.close()
    target = tmp_path / "out.jsonl"
    query = ("--query", "select body from notes")
    address = f"sqlite:///{tmp_path / 'texts.db'}"
    assert run("predict", model, address, *query, "--text", "body", "-o", target, "-q") == ""
    assert json.loads(target.read_text(encoding="utf-8"))["labels"] == ["a|b"]


def test_predict_does_not_write_over_a_file(model, tmp_path):
    (tmp_path / "new.csv").write_text("id,Text\n1,goal\n", encoding="utf-8")
    (tmp_path / "out.csv").touch()
    with pytest.raises(StoreError, match="there already"):
        run("predict", model, tmp_path / "new.csv", "-o", tmp_path / "out.csv")
