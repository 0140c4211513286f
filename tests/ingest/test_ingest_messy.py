"""Sixteen untouched real files with everything that goes wrong in tables, where they lie beside the checkout.

Counts are those of ``profile.csv`` (rows by Python's csv module, less the header), and where the file is no valid
UTF-8 what its bytes are: cp1252 and latin-1 lose nothing, mixed and cut bytes cost the rows that hold them.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from evenly.formats import list_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# File, text, labels, codec, rows, rows that are refused as they stand and why.
MESSY = [
    ("airline_tweets.csv", "text", "airline_sentiment", "utf-8", 14_640, {}),
    ("disaster_dfe.csv", "text", "choose_one", "latin-1", 10_876, {}),
    ("ethos_semicolon.csv", "comment", "violence", "utf-8", 433, {}),
    ("goemotions_dev_quotes.tsv", "column0", "column1", "utf-8", 5_426, {}),
    ("jigsaw_ibm_newlines.csv", "comment_text", "toxic", "utf-8", 101, {}),
    ("movies_genre_crlf_straycr.csv", "title", "genre_ids", "utf-8", 9_400, {}),
    ("netflix_titles.csv", "description", "listed_in", "utf-8", 8_807, {}),
    ("olid_truncated_utf8_crlf.tsv", "tweet", "subtask_a", "utf-8", 13_240, {"invalid UTF-8": 24}),
    ("resumes_cp1252.csv", "Resume", "Category", "utf-8", 963, {"invalid UTF-8": 180}),
    ("resumes_utf8_mojibake_crlf.csv", "Resume", "Category", "utf-8", 970, {}),
    ("sms_broken_line.tsv", "column1", "column0", "utf-8", 5_575, {"too few columns": 1}),
    ("spam_latin1.csv", "Text", "label", "cp1252", 5_572, {}),
    ("text_emotion_headerless.csv", "column1", "column0", "utf-8", 40_000, {}),
    ("tmdb_5000_movies_json_in_csv.csv", "title", "genres", "utf-8", 4_803, {}),
    ("youtube_katyperry.csv", "CONTENT", "CLASS", "utf-8", 350, {}),
    ("youtube_psy_nonutf8.csv", "column1", "column0", "latin-1", 350, {}),
]


@pytest.mark.parametrize(("name", "text", "label", "codec", "n_rows", "reasons"), MESSY)
def test_messy_files_have_their_true_counts(  # noqa: PLR0917 - a table of cases
    shared_data: Path,
    build: Callable[..., Any],
    name: str,
    text: str,
    label: str,
    codec: str,
    n_rows: int,
    reasons: dict[str, int],
) -> None:
    facts = build(shared_data / "messy" / name, text=(text,), labels=label).facts
    assert facts["dialects"][0]["encoding"] == codec
    assert facts["rows_read"] == n_rows
    assert facts["reject_reasons"] == reasons
    assert facts["rows_kept"] == n_rows - sum(reasons.values())


def kept_texts(folder: Path) -> list[str]:
    """Return the texts of a table."""
    return [text for part in list_parts(folder) for text in pq.read_table(part).column(1).to_pylist()]


@pytest.mark.parametrize(("name", "text", "label", "codec", "n_rows", "reasons"), MESSY)
def test_no_good_row_is_lost_and_texts_are_as_the_csv_module_reads_them(  # noqa: PLR0917 - a table of cases
    shared_data: Path,
    build: Callable[..., Any],
    name: str,
    text: str,
    label: str,
    codec: str,
    n_rows: int,
    reasons: dict[str, int],
) -> None:
    path = shared_data / "messy" / name
    built = build(path, text=(text,), labels=label, on_bad_bytes="replace")
    assert built.facts["rows_kept"] == n_rows - reasons.get("too few columns", 0)
    found = built.facts["dialects"][0]
    quoting = csv.QUOTE_MINIMAL if found["quote"] else csv.QUOTE_NONE
    with path.open(encoding=codec, errors="replace", newline="") as stream:
        # Within a row Python's csv module takes a stray carriage return for the end of the file's last line.
        lines = (line.replace("\r", " ") if not line.endswith("\r\n") else line for line in stream)
        records = list(csv.reader(lines, delimiter=found["delimiter"], quoting=quoting))
    column = records[0].index(text) if found["header"] else int(text.removeprefix("column"))
    width = max(map(len, records))
    expected = [record[column] for record in records[found["header"] :] if len(record) == width]
    kept = kept_texts(built.artifact.path)
    assert [one.split() for one in kept] == [one.split() for one in expected]


def test_a_codec_that_is_given_keeps_every_row(shared_data: Path, build: Callable[..., Any]) -> None:
    path = shared_data / "messy" / "resumes_cp1252.csv"
    facts = build(path, text=("Resume",), labels="Category", encoding="cp1252").facts
    assert (facts["rows_read"], facts["rows_kept"]) == (963, 963)
