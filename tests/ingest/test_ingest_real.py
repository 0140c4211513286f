"""Guesses on real files, where the development data lies beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from evenly.ingest import guess_source

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the development data is not beside the checkout")


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
