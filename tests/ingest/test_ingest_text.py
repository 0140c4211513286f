"""Texts: HTML entities, Unicode normal forms, blank ones; and that any Unicode survives on its way."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evenly.ingest.texts import TextRules, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("rules", "cells", "expected", "changed"),
    [
        (TextRules(), ["a &amp; b", "e\u0301"], ["a &amp; b", "e\u0301"], {}),
        (
            TextRules(unescape_html=True),
            ["a &amp; b", "&amp;amp;", "A&B", "&#8220;x&#x201D;", "&nbsp;", None, "", "&#0;&#xD800;"],
            ["a & b", "&amp;", "A&B", "\u201cx\u201d", "\xa0", None, "", "\ufffd\ufffd"],
            {"unescaped": 5},
        ),
        (TextRules(unicode="NFC"), ["e\u0301", "\u00e9", "ﬁ", "abc", None], ["\u00e9", "\u00e9", "ﬁ", "abc", None],
         {"normalised": 1}),
        (TextRules(unicode="NFKC"), ["ﬁ", "\uff21\uff22", "abc"], ["fi", "AB", "abc"], {"normalised": 2}),
        (TextRules(unescape_html=True, unicode="NFC"), ["e&#769;"], ["\u00e9"], {"unescaped": 1, "normalised": 1}),
    ],
)  # fmt: skip
def test_cleaning(
    rules: TextRules, cells: list[str | None], expected: list[str | None], changed: dict[str, int]
) -> None:
    found, n_changed = clean_text(pa.array(cells, pa.string()), rules)
    assert (found.to_pylist(), n_changed) == (expected, changed)


def test_a_text_that_is_blank_once_it_is_cleaned_is_a_reject(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("title,text,label\n,&nbsp;&#32;,a\n,AT&amp;T,a\nx &lt; y,caf&eacute;,b\n")
    built = build(tmp_path / "t.csv", text=("title", "text"), unescape_html=True)
    assert [(row["title"], row["text"]) for row in built.rows] == [("", "AT&T"), ("x < y", "café")]
    assert [(reject["line"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (2, "no text", ",&nbsp;&#32;,a")
    ]
    assert "HTML entities were turned into characters in 4 cells of text" in built.notes
    plain = build(tmp_path / "t.csv", text=("title", "text"))
    assert plain.rows[0]["text"] == "&nbsp;&#32;"


def test_texts_are_normalised_where_it_is_asked_for(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text("text,label\ncafe\u0301,a\nplain,b\n", encoding="utf-8")
    assert build(tmp_path / "t.csv").rows[0]["text"] == "cafe\u0301"
    built = build(tmp_path / "t.csv", unicode="NFC")
    assert built.rows[0]["text"] == "caf\u00e9"
    assert "Unicode was normalised in 1 cells of text" in built.notes


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), min_size=2, max_size=8),
    form=st.sampled_from(["as_is", "NFC", "NFKC"]),
)
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, build: Callable[..., Any], texts: list[str], form: str
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    rows = [{"text": text, "label": "ab"[number % 2]} for number, text in enumerate([*texts, "x", "y"])]
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), folder / "t.parquet")
    cleaned = [row["text"] if form == "as_is" else unicodedata.normalize(form, row["text"]) for row in rows]
    for name in ("t.jsonl", "t.parquet"):
        built = build(folder / name, unicode=form, store=folder / f"store {name}", labels={"columns": "label"})
        assert [row["text"] for row in built.rows] == [text for text in cleaned if text.strip()]
        assert len(built.rows) + len(built.rejects) == len(rows)
