"""Damaged artifacts by the thousand: ``python tests/hostile/fuzz_artifacts.py --cases 10000``.

Every case takes whole artifacts of a small run, damages one file (bytes flipped, cut, repeated, overwritten with
extreme numbers; JSON with other values in it) and reads it the way the next stage does, compiled loops included. It
must be read, or refused with an error of evenly's own or of the library that reads the file (in a run, the checksum
of the manifest speaks first). A crash ends this process, which the caller sees; anything else that goes wrong is
printed with the number of its case.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import EvenlyError
from evenly.formats import read_checks, read_labels, read_rows, read_split
from evenly.manifest import find_damage, read_manifest
from evenly.train.feed.batches import iter_batches
from evenly.train.feed.stored_batches import read_stream

N_ROWS, N_LABELS = 60, 4
EXTREMES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1]
JSON_VALUES = [None, -1, 10**30, 1e308, "", "../../x", "/etc/passwd", [], {}, [[[]]], True, "\x1b[31m", "__proto__"]
REFUSALS = (EvenlyError, pa.ArrowException, OSError, KeyError, ValueError, TypeError, IndexError, OverflowError)


def write_artifacts(folder):
    """Write small artifacts in the formats of `evenly.formats`."""
    rng = np.random.default_rng(0)
    labels = [sorted(rng.choice(N_LABELS, rng.integers(1, 3), replace=False).tolist()) for _ in range(N_ROWS)]
    held = pa.array(labels, pa.list_(pa.int32()))
    rows = pa.array(np.arange(N_ROWS))
    texts = pa.array([f"text {row}" for row in range(N_ROWS)])
    (folder / "shards/train").mkdir(parents=True)
    ids = pa.array([rng.integers(0, 500, rng.integers(1, 40)).tolist() for _ in range(N_ROWS)], pa.list_(pa.uint16()))
    batch = pa.record_batch([rows, ids, held], ["row", "input_ids", "labels"])
    with pa.ipc.new_stream(folder / "shards/train/data-00000.arrow", batch.schema) as stream:
        stream.write_batch(batch.slice(0, 35))
        stream.write_batch(batch.slice(35))
    state = {"_data_files": [{"filename": "data-00000.arrow"}]}
    (folder / "shards/train/state.json").write_text(json.dumps(state))
    for name in ("table", "split", "checks", "plan", "weights"):
        (folder / name).mkdir()
    pq.write_table(pa.table({"row": rows, "text": texts, "labels": held}), folder / "table/part-00000.parquet")
    names = {"id": pa.array(range(N_LABELS), pa.int32()), "name": list("abcd"), "count": [1, 2, 3, 4]}
    pq.write_table(pa.table(names), folder / "table/labels.parquet")
    pq.write_table(pa.table({"row": rows, "split": ["train"] * N_ROWS, "unit": rows}), folder / "split/split.parquet")
    checks = dict.fromkeys(("same_text", "near_text", "same_group"), rows)
    checks |= dict.fromkeys(("characters", "words"), rows.cast(pa.int32()))
    pq.write_table(pa.table({"row": rows, **checks, "used": [True] * N_ROWS}), folder / "checks/rows.parquet")
    pq.write_table(
        pa.table({"row": rows, "copies": pa.array(rng.integers(0, 3, N_ROWS), pa.int32())}),
        folder / "plan/plan.parquet",
    )
    pq.write_table(pa.table({"row": pa.array([], pa.int64()), "labels": held[:0]}), folder / "plan/synthetic.parquet")
    pq.write_table(
        pa.table({"row": rows, "sample_weight": pa.array(np.ones(N_ROWS), pa.float32())}),
        folder / "weights/rows.parquet",
    )
    pq.write_table(pa.table({"id": names["id"], "class_weight": [1.0] * N_LABELS}), folder / "weights/labels.parquet")
    manifest = {
        "format_version": 2, "stage": "table", "stage_version": 1, "key": "0", "package_version": "0", "params": {},
        "inputs": {}, "files": {"labels.parquet": {"size": 1, "blake3": "0"}}, "rows": 1, "schema": {}, "seed": None,
        "seconds": 0.0, "rows_per_second": None, "facts": {"text_columns": ["text"]}, "notes": [],
    }  # fmt: skip
    (folder / "table/manifest.json").write_text(json.dumps(manifest))


def damage_bytes(rng, content):
    """Return the content with one kind of damage."""
    data = bytearray(content)
    kind = rng.integers(6)
    at = int(rng.integers(len(data)))
    if kind == 0:
        for place in rng.integers(0, len(data), rng.integers(1, 9)):
            data[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        size = int(rng.choice([4, 8]))
        data[at : at + size] = (EXTREMES[rng.integers(len(EXTREMES))] % 2 ** (8 * size)).to_bytes(size, "little")
    elif kind == 3:
        del data[at : at + int(rng.integers(1, 64))]
    elif kind == 4:
        data[at:at] = rng.bytes(int(rng.integers(1, 64)))
    else:
        data[at : at + 32] = rng.bytes(32)
    return bytes(data)


def damage_json(rng, content):
    """Return a JSON text with another value somewhere in it, or as `damage_bytes` does."""
    if rng.random() < 0.3:
        return damage_bytes(rng, content)
    value = json.loads(content)
    places = []

    def walk(node):
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(value)
    node, key = places[rng.integers(len(places))]
    if rng.random() < 0.2 and isinstance(node, dict):
        node[JSON_VALUES[5 + rng.integers(2)]] = node.pop(key)
    else:
        node[key] = JSON_VALUES[rng.integers(len(JSON_VALUES))]
    return json.dumps(value).encode()


def read_all(folder):
    """Read every artifact as the next stage does."""
    plan, weights = folder / "plan", folder / "weights"
    for _ in iter_batches(
        folder / "shards", plan, weights, split="train", batch_size=8, n_labels=N_LABELS, pad_id=0, shuffle=True, seed=0
    ):
        pass
    labels = read_labels(folder / "table")
    (labels.T @ labels).sum()  # compiled loops of scipy
    read_split(folder / "split")
    read_checks(folder / "checks")
    read_rows(folder / "table", np.arange(0, N_ROWS, 7), ["text"])
    find_damage(folder / "table", read_manifest(folder / "table").files)


def check_that_arrow_refuses_what_lies(path):
    """Show that a whole file passes: else the fuzz would only ever see refusals."""
    assert read_stream(path)


def run(cases, seed, seconds):
    """Try that many cases, or as many as fit into the time; return how they ended."""
    ended = Counter()
    with tempfile.TemporaryDirectory() as name:
        whole = Path(name) / "whole"
        write_artifacts(whole)
        read_all(whole)
        check_that_arrow_refuses_what_lies(whole / "shards/train/data-00000.arrow")
        files = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file()]
        # Shards are what compiled loops read: half of the cases are theirs.
        files += [path for path in files if path.suffix == ".arrow"] * (len(files) - 1)
        damaged = Path(name) / "damaged"
        shutil.copytree(whole, damaged)
        started = time.monotonic()
        for case in range(cases):
            if time.monotonic() - started > seconds:
                break
            rng = np.random.default_rng([seed, case])
            path = files[rng.integers(len(files))]
            content = (whole / path).read_bytes()
            # A new file each time: what is mapped of the old one must not change under its reader.
            (damaged / path).unlink()
            (damaged / path).write_bytes((damage_json if path.suffix == ".json" else damage_bytes)(rng, content))
            try:
                read_all(damaged)
                ended["read"] += 1
            except REFUSALS:
                ended["refused"] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
                ended["failed"] += 1
                print(f"case {case} of seed {seed}: {path}: {type(error).__name__}: {error}")  # noqa: T201 - a script
            (damaged / path).unlink()
            shutil.copy(whole / path, damaged / path)
    return ended


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=3_600)
    asked = parser.parse_args()
    counts = run(asked.cases, asked.seed, asked.seconds)
    print(json.dumps(counts))  # noqa: T201 - a script
    sys.exit(bool(counts["failed"]))
