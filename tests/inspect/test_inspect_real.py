"""What is known of real tables: counts by plain Python over the raw texts, and those of the data's own notes."""

from __future__ import annotations

from collections import defaultdict

import pyarrow.parquet as pq
import pytest
from inspect_stages import check

from evenly.inspect import near_duplicates, same_texts, text_words
from evenly.inspect.folding import fold_text
from evenly.inspect.words import jaccard


def read(shared_data, name):
    table = pq.read_table(shared_data / "text" / name / "data.parquet", columns=["text", "label"])
    return table["text"].to_pylist(), table["label"].to_pylist()


def labels_of_texts(texts, labels):
    held = defaultdict(set)
    for text, label in zip(texts, labels, strict=True):
        held[text].add(label)
    return held


@pytest.mark.parametrize(
    # (rows that repeat text and label, texts with two labels): as the notes of the data have them; then rows that
    # repeat a text and texts with two labels where case and white space do not count
    ("name", "raw", "folded"),
    [("resumes25", (796, 0), (796, 0)), ("tram_attack", (252, 21), (317, 23)), ("sms_spam", (403, 0), (415, 0))],
)
def test_duplicates_and_conflicts_of_real_tables(shared_data, tmp_path, name, raw, folded):
    texts, labels = read(shared_data, name)
    repeated = len(texts) - len(set(zip(texts, labels, strict=True)))
    assert (repeated, sum(len(held) > 1 for held in labels_of_texts(texts, labels).values())) == raw
    held = labels_of_texts([fold_text(text) for text in texts], labels)
    assert (len(texts) - len(held), sum(len(each) > 1 for each in held.values())) == folded
    found = check(tmp_path, texts, [[label] for label in labels], part_rows=2_000)
    assert found.found["duplicate_texts"]["rows"] == folded[0]
    assert found.found["duplicate_texts"]["n_distinct"] == len(texts) - folded[0]
    assert found.found["conflicting_labels"]["cases"] == folded[1]
    assert (~found.rows.used).sum() == 0


def test_near_duplicates_of_a_real_table_are_those_of_all_pairs(shared_data):
    texts, _ = read(shared_data, "sms_spam")
    same = same_texts(texts[:1_200])
    rows = [row for row in range(1_200) if same[row] == row]
    words = {row: text_words(texts[row]) for row in rows}
    near = near_duplicates(texts[:1_200], 0.8)
    pairs = [
        (one, other)
        for place, one in enumerate(rows)
        for other in rows[place + 1 :]
        if jaccard(words[one], words[other]) >= 0.8
    ]
    found = [pair for pair in pairs if near[pair[0]] == near[pair[1]]]
    assert len(pairs) >= 5
    assert len(found) >= 0.98 * len(pairs)
    joined = {row for pair in pairs for row in pair}
    assert {row for row in rows if near[row] != row} <= joined  # nothing is joined without a near text
