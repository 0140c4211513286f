"""Real files, where the development data lies beside the checkout: counts as ``profile.csv`` has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from evenly.ingest import guess_source

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the development data is not beside the checkout")

# File, text, labels, rows in the file, rows that are not UTF-8 in those columns or not of full width.
MESSY = [
    ("airline_tweets.csv", "text", "airline_sentiment", 14_640, 0),
    ("disaster_dfe.csv", "text", "choose_one", 10_876, 1_010),
    ("ethos_semicolon.csv", "comment", "violence", 433, 0),
    ("goemotions_dev_quotes.tsv", "column0", "column1", 5_426, 0),
    ("jigsaw_ibm_newlines.csv", "comment_text", "toxic", 101, 0),
    ("movies_genre_crlf_straycr.csv", "title", "genre_ids", 9_400, 0),
    ("netflix_titles.csv", "description", "listed_in", 8_807, 0),
    ("olid_truncated_utf8_crlf.tsv", "tweet", "subtask_a", 13_240, 24),
    ("resumes_cp1252.csv", "Resume", "Category", 963, 180),
    ("resumes_utf8_mojibake_crlf.csv", "Resume", "Category", 970, 0),
    ("sms_broken_line.tsv", "column1", "column0", 5_575, 1),
    ("spam_latin1.csv", "Text", "label", 5_572, 480),
    ("text_emotion_headerless.csv", "column1", "column0", 40_000, 0),
    ("tmdb_5000_movies_json_in_csv.csv", "title", "genres", 4_803, 0),
    ("youtube_katyperry.csv", "CONTENT", "CLASS", 350, 0),
    ("youtube_psy_nonutf8.csv", "column1", "column0", 350, 341),
]


@pytest.mark.parametrize(("name", "text", "label", "n_rows", "n_bad"), MESSY)
def test_messy_files_have_their_true_counts(  # noqa: PLR0917 - a table of cases
    build: Callable[..., Any], name: str, text: str, label: str, n_rows: int, n_bad: int
) -> None:
    facts = build(DATA / "messy" / name, text=(text,), labels=label).facts
    assert (facts["rows_read"], facts["rows_rejected"]) == (n_rows, n_bad)


@pytest.mark.parametrize(
    ("name", "text", "labels", "format_", "delimiter"),
    [
        ("imdb1000_genres/raw/IMDB-Movie-Data.csv.gz", ("Title", "Description"), ("Genre",), "delimited", ","),
        ("netflix_genres/raw/netflix_titles.csv.gz", ("title", "description"), ("listed_in",), "delimited", ", "),
        ("sms_spam/raw/SMSSpamCollection.tsv.gz", ("column1",), ("column0",), "single", None),
        ("sms_spam/raw/spam_latin1_kaggle.csv.gz", ("Text",), ("label",), "single", None),
        ("resumes25/raw/UpdatedResumeDataSet.csv.gz", ("Resume",), ("Category",), "single", None),
        ("davidson_hate/raw/labeled_data.csv.gz", ("tweet",), ("class",), "single", None),
        ("tmdb5000_keywords/data.parquet", ("text", "title", "tagline"), ("labels",), "list", None),
        ("trec1000/data.parquet", ("text",), ("label",), "single", None),
        ("sms_spam/data.parquet", ("text",), ("label",), "single", None),
    ],
)
def test_guesses_on_real_tables(
    name: str, text: tuple[str, ...], labels: tuple[str, ...], format_: str, delimiter: str | None
) -> None:
    guess = guess_source(DATA / "text" / name)
    assert (guess.text, guess.labels) == (text, labels)
    assert (guess.label_format, guess.label_delimiter) == (format_, delimiter)


def test_eighteen_genres_side_by_side() -> None:
    guess = guess_source(DATA / "text" / "tmdb_genres18" / "raw" / "movies_genre.csv.gz")
    assert (len(guess.labels), guess.labels[0], guess.label_format) == (18, "Western", "onehot")
    assert guess.text == ("overview", "title")
