"""Damaged models by the hundred: ``python tests/hostile/fuzz_models.py --cases 2000``.

Every case takes the folder of a small model and damages one file (bytes flipped, cut, repeated; JSON with other values;
files swapped; a part of the ``.keras`` file changed so that the archive is whole and its content is not), opens it as
``evenly predict`` does and asks it. It must answer, or end in an error of evenly's own: everything else is printed with
the number of its case. One process does all, for TensorFlow takes long to load.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from fuzz_artifacts import damage_bytes, damage_json

from evenly.errors import EvenlyError
from evenly.prediction import open_model

WORDS = ("[PAD]", "[UNK]", "[SEP]", "goal", "orbit", "bread", "rocket")
NAMES = ["sport", "food", "space"]
READING = {
    "text": ["Text"], "columns": ["Text"], "unescape_html": True, "unicode": "as_is", "max_length": 6,
    "truncate": "head", "stride": 0, "join": "separator", "special_tokens": "text", "separator": "[SEP]", "pad_id": 0,
}  # fmt: skip
TEXTS = pa.array(["goal rocket", "bread &amp; butter", "", "[SEP] orbit"])
MOST_SECONDS_A_CASE = 30


def write_model(folder):
    """Write the folder of a model that was never trained."""
    import keras
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    from evenly.train.keras_file import save_model

    (folder / "tokenizer").mkdir(parents=True)
    own = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.add_special_tokens(["[PAD]", "[UNK]", "[SEP]"])
    own.post_processor = processors.TemplateProcessing(single="$A [SEP]", special_tokens=[("[SEP]", 2)])
    own.save(str(folder / "tokenizer/tokenizer.json"))
    labels = [{"id": number, "name": name, "threshold": 0.5} for number, name in enumerate(NAMES)]
    rule = {"task": "multilabel", "rule": "score >= threshold", "global": 0.5, "labels": labels}
    for name, value in (("labels", NAMES), ("thresholds", rule), ("reading", READING)):
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    ids = keras.Input((None,), dtype="int32", name="input_ids")
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(len(WORDS), 4)(ids))
    answer = keras.layers.Dense(len(NAMES), activation="sigmoid")(pooled)
    save_model(keras.Model(ids, answer), folder / "model.keras")
    return folder


def rezip(raw, change):
    """Return a ``.keras`` file whose parts are what ``change(name, content)`` returns; None: left out."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = change(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return changed.getvalue()


def damage_network(rng, raw):
    """Return a ``.keras`` file with one part damaged, in an archive that is whole; or as `damage_bytes` does."""
    if rng.random() < 0.3:
        return damage_bytes(rng, raw)
    chosen = ("config.json", "config.json", "metadata.json", "model.weights.h5")[rng.integers(4)]
    how = damage_json if chosen.endswith("json") else damage_bytes
    return rezip(raw, lambda name, content: how(rng, content) if name == chosen else content)


def ask(folder):
    """Open a model and ask it; raises only errors of evenly where all is as it should be."""
    return open_model(folder).answer([TEXTS])


def _stop(*_):
    raise TimeoutError(f"no answer within {MOST_SECONDS_A_CASE} s")


def damage(rng, folder, files):
    """Damage one file of a model's folder; return what was done."""
    path = files[rng.integers(len(files))]
    content = (folder / path).read_bytes()
    if rng.random() < 0.05:
        other = files[rng.integers(len(files))]
        (folder / path).write_bytes((folder / other).read_bytes())
        return f"{path} is {other}"
    change = {".keras": damage_network, ".json": damage_json}[path.suffix]
    (folder / path).write_bytes(change(rng, content))
    return str(path)


def run(cases, seed, seconds):
    """Try that many cases, or as many as fit into the time; return how they ended."""
    ended = Counter()
    signal.signal(signal.SIGALRM, _stop)
    with tempfile.TemporaryDirectory() as name:
        whole = write_model(Path(name) / "whole")
        ask(whole)
        files = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file()]
        started = time.monotonic()
        for case in range(cases):
            if time.monotonic() - started > seconds:
                break
            rng = np.random.default_rng([seed, case])
            damaged = shutil.copytree(whole, Path(name) / "damaged")
            done = damage(rng, damaged, files)
            signal.alarm(MOST_SECONDS_A_CASE)
            try:
                ask(damaged)
                ended["read"] += 1
            except EvenlyError:
                ended["refused"] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
                ended["failed"] += 1
                print(f"case {case} of seed {seed}: {done}: {type(error).__name__}: {str(error)[:200]}")  # noqa: T201
            signal.alarm(0)
            shutil.rmtree(damaged)
        left = {path.name for path in Path(name).iterdir()} - {"whole"}
        ended["written outside"] += len(left)
    return ended


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3_600)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    counts = run(asked.cases, asked.seed, asked.seconds)
    print(json.dumps(counts))  # noqa: T201 - a script
    sys.exit(bool(counts["failed"] or counts["written outside"]))
