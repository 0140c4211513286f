"""The folder of a model that was never trained: its network gives a label for each word of its own."""

from __future__ import annotations

import json
from itertools import chain

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WORDS = ("[PAD]", "[UNK]", "[SEP]", "goal", "orbit", "bread", "rocket")
NAMES = ("sport", "a|b", "space")
LABEL_OF_ID = {3: 0, 5: 1, 4: 2, 6: 2}
READING = {
    "text": ["Text"],
    "columns": ["Text"],
    "unescape_html": True,
    "unicode": "as_is",
    "max_length": 6,
    "truncate": "head",
    "stride": 0,
    "join": "separator",
    "special_tokens": "text",
    "separator": "[SEP]",
    "pad_id": 0,
}


def rule(names=NAMES):
    labels = [{"id": number, "name": name, "threshold": 0.5} for number, name in enumerate(names)]
    return {"task": "multilabel", "rule": "score >= threshold", "global": 0.5, "labels": labels}


def write_model(folder, *, names=NAMES, **reading):
    """Write all files of a model but the network itself, which is an empty file."""
    (folder / "tokenizer").mkdir(parents=True)
    own = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.add_special_tokens(["[PAD]", "[UNK]", "[SEP]"])
    own.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", pair="$A [SEP] $B [SEP]", special_tokens=[("[SEP]", 2)]
    )
    own.save(str(folder / "tokenizer" / "tokenizer.json"))
    for name, value in (("labels", list(names)), ("thresholds", rule(names)), ("reading", READING | reading)):
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    (folder / "model.keras").touch()
    return folder


class WordScorer:
    """Stands for a network: a label has .9 where a word of it is among the ids, else .1 and a little for its id."""

    def __init__(self, n_labels):
        self.n_labels = n_labels
        self.seen = []

    def __call__(self, ids):
        columns = [array.to_pylist() for array in ids.values()]
        rows = [list(chain(*parts)) for parts in zip(*columns, strict=True)]
        self.seen += rows
        scores = np.tile((0.1 + 0.001 * np.arange(self.n_labels)).astype(np.float32), (len(rows), 1))
        for row, held in enumerate(rows):
            for number in held:
                if number in LABEL_OF_ID:
                    scores[row, LABEL_OF_ID[number]] = 0.9
        return scores
