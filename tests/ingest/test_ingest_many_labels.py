"""Names that are too many to be labels: ids or texts in the labels' column end in a clear error, not out of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from evenly.errors import DataError
from evenly.ingest.labelling import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_numbered(path: Path, rows: int, first: int = 0) -> Path:
    """Write rows of two labels that no other row has."""
    cells = (f"text of {row};id{2 * row}|id{2 * row + 1}\n" for row in range(first, first + rows))
    path.write_text("text;tags\n" + "".join(cells))
    return path


DELIMITED = {"columns": ["tags"], "format": "delimited", "delimiter": "|"}


def test_as_many_labels_as_may_be_are_read(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_LABELS", 201)  # one more than names: null has a place of its own
    assert len(build(write_numbered(tmp_path / "a.csv", 100), labels=DELIMITED).names) == 200


def test_more_labels_end_in_an_error_that_names_them(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_LABELS", 199)
    with pytest.raises(
        DataError, match=r"The labels in 'tags' have 200 different names .*'id0', 'id1', 'id2'"
    ) as caught:
        build(write_numbered(tmp_path / "a.csv", 100), labels=DELIMITED)
    assert "evenly takes 199 at most" in str(caught.value)
    assert "the column holds ids or texts, not labels: name another in source.labels.columns" in str(caught.value)


def test_labels_of_all_files_count(tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MOST_LABELS", 250)
    first, second = write_numbered(tmp_path / "a.csv", 100), write_numbered(tmp_path / "b.csv", 100, first=100)
    with pytest.raises(DataError, match="have 400 different names"):
        build(first, second, labels=DELIMITED)


def test_texts_that_were_taken_for_names_are_too_long(
    tmp_path: Path, build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vocabulary, "MOST_CHARACTERS", 10_000)
    rows = [f"text {row};{'word ' * 100}{row}\n" for row in range(40)]
    path = tmp_path / "a.csv"
    path.write_text("text;tags\n" + "".join(rows))
    with pytest.raises(DataError, match="and 10,000 characters in all") as caught:
        build(path, labels={"columns": ["tags"], "format": "single"})
    assert len(str(caught.value)) < 800
