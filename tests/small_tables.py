"""Small tables with an imbalance, written as a person would have them."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

FILLER = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "it",
    "was",
    "for",
    "on",
    "with",
    "as",
    "at",
    "by",
    "from",
    "this",
    "have",
    "are",
    "or",
    "an",
    "be",
    "not",
    "they",
    "which",
    "you",
]
TOPICS = {
    "space": ["rocket", "orbit", "planet", "launch", "comet", "crater", "lunar", "probe"],
    "food": ["bread", "butter", "oven", "recipe", "spice", "garlic", "simmer", "dough"],
    "sport": ["goal", "referee", "match", "stadium", "coach", "striker", "league", "defender"],
    "music": ["guitar", "chorus", "melody", "concert", "drummer", "rhythm", "album", "singer"],
    "law": ["court", "judge", "verdict", "appeal", "witness", "statute", "lawsuit", "plaintiff"],
}
SHARES = {"space": 0.5, "food": 0.3, "sport": 0.2, "music": 0.08, "law": 0.04}


def sentence(rng: np.random.Generator, topics: list[str], n_words: int = 14) -> str:
    """Return filler with words of the topics among it."""
    words = list(rng.choice(FILLER, n_words))
    for topic in topics:
        for place in rng.choice(n_words, 4):
            words[place] = str(rng.choice(TOPICS[topic]))
    return " ".join(words) + "."


def multilabel_rows(n: int, seed: int = 0) -> list[tuple[str, list[str]]]:
    """Return n texts of two sentences, each with one to three topics."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        held = [topic for topic, share in SHARES.items() if rng.random() < share] or ["space"]
        rows.append((f"{sentence(rng, held)} {sentence(rng, held)}", held))
    return rows


def single_label_rows(n: int, topics: dict[str, float], seed: int = 0) -> list[tuple[str, str]]:
    """Return n texts, each with one topic, drawn by the given shares."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(list(topics), n, p=np.array(list(topics.values())) / sum(topics.values()))
    return [(sentence(rng, [topic]), str(topic)) for topic in drawn]


def write_csv(path: Path, header: list[str], rows: list[list[object]], delimiter: str = ",") -> Path:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write a JSON object a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_genres(folder: Path, n: int = 400) -> Path:
    """Write a multi-label CSV with the columns text and genres (delimited by `|`)."""
    rows: list[list[object]] = [[text, "|".join(held)] for text, held in multilabel_rows(n)]
    return write_csv(folder / "genres.csv", ["text", "genres"], rows)
