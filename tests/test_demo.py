"""The demo's table: docstrings with the dotted parts of where they stand, the same whenever it is made."""

from __future__ import annotations

import csv

import pytest

from evenly.config import load_config
from evenly.demo import Docstring, prepare_demo, read_docstrings, write_demo_table
from evenly.errors import DataError, StoreError

SOURCE = '''
"""The first line of a module, long enough to be taken as it is."""

class Shape:
    """A shape with sides and corners, and nothing else to it."""

    def area(self):
        """Return the area of the shape in square units."""

    def skipped(self):
        """Short."""
'''


@pytest.fixture
def packages(tmp_path):
    (tmp_path / "geometry").mkdir()
    (tmp_path / "geometry" / "__init__.py").write_text("")
    (tmp_path / "geometry" / "plane.py").write_text(SOURCE)
    (tmp_path / "geometry" / "broken.py").write_text("def (:")
    (tmp_path / "geometry" / "surrogate.py").write_text(
        '"""Lone surrogates \\ud800 do not go into UTF-8 as they are."""'
    )
    return tmp_path


def test_docstrings_are_read_with_where_they_stand(packages):
    found = dict(read_docstrings([packages]))

    assert found == {
        "geometry.plane": "The first line of a module, long enough to be taken as it is.",
        "geometry.plane.Shape": "A shape with sides and corners, and nothing else to it.",
        "geometry.plane.Shape.area": "Return the area of the shape in square units.",
        "geometry.surrogate": "Lone surrogates ? do not go into UTF-8 as they are.",
    }


def test_nothing_is_imported(packages):
    (packages / "geometry" / "plane.py").write_text("raise SystemExit('imported')\n")

    assert [docstring.where for docstring in read_docstrings([packages])] == ["geometry.surrogate"]


def test_the_table_of_this_machine_is_multi_label_and_made_the_same_twice(tmp_path):
    n_rows = write_demo_table(tmp_path / "one.csv", 600)
    write_demo_table(tmp_path / "two.csv", 600)

    with (tmp_path / "one.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert len(rows) == n_rows <= 600
    for row in rows:
        assert set(row["labels"].split("|")).issubset(row["where"].split(".")[:-1])


def test_no_docstrings_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("evenly.demo.read_docstrings", lambda folders: iter([Docstring("alone", "x" * 50)]))

    with pytest.raises(DataError, match="docstrings"):
        write_demo_table(tmp_path / "t.csv", 10)


def test_the_config_that_is_written_loads_and_a_table_that_is_there_is_kept(tmp_path):
    (tmp_path / "docstrings-700.csv").write_text("where,docstring,labels\n")
    config = load_config(prepare_demo(tmp_path, 700))

    assert config.resample.method == "mlsmote"
    assert config.source.files == (str(tmp_path / "docstrings-700.csv"),)
    assert (tmp_path / "docstrings-700.csv").read_text() == "where,docstring,labels\n"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="--folder"):
        prepare_demo(tmp_path / "file" / "demo", 700)
