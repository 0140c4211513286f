"""The tokens of a split, expanded and shuffled: shards, plan and weights in, parquet or TFRecord out.

For trainers that read neither Arrow streams nor a plan. Each row is there as often as the plan says, its synthetic
rows among them, in a random order: what `evenly.train` reads in an epoch.
"""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import pyarrow.parquet as pq

from evenly.errors import ConfigError, MissingExtraError, nearest
from evenly.export.order import Order
from evenly.export.shuffle import shuffle_rows
from evenly.export.stored_rows import StoredRows
from evenly.export.target import refuse_overwriting, written_whole
from evenly.formats import SPLITS, read_facts, read_label_names, write_json
from evenly.progress import Advanced, Finished, Started, emit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

__all__ = ["TokenForm", "check_token_target", "export_tokens"]

TokenForm = Literal["parquet", "tfrecord"]
ONE_FILE = (".tfrecord", ".tfrecords")
STAGE = "export"


def export_tokens(
    made: Mapping[str, Path],
    target: Path,
    *,
    form: TokenForm,
    name: str = "train",
    seed: int = 0,
    force: bool = False,
) -> int:
    """Write the tokens of a split; those of train as often as the plan says, with its synthetic rows among them.

    Parameters
    ----------
    made
        The artifacts of one run by name: table, tokenizer, weights, plan, shards, synthetic.
    target
        A file; for TFRecord also a folder, which gets a file for every 50,000 rows and ``features.json``. It appears
        only when it is whole.
    form
        ``parquet`` or ``tfrecord`` (of `tf.train.Example`).
    name
        ``train``, ``validation`` or ``test``; the latter two have every row once, with weight 1.
    seed
        Of the order.
    force
        Write over a file that is there.

    Returns
    -------
    int
        How many rows were written. Columns, or features: `row`, `window` where there are windows, `input_ids` (or
        `input_ids_<column>`) and `labels` (lists of ids), `weight`. Parquet carries what ``features.json`` holds
        (the label names, the id that pads) in its metadata, under the key ``evenly``.

    Raises
    ------
    ConfigError
        There is no such split.
    MissingExtraError
        TensorFlow, which writes TFRecord, is not installed.
    StoreError
        The target is there already, or cannot be written.
    """
    if name not in SPLITS:
        raise ConfigError(f"There is no split {name!r}{nearest(name, SPLITS)} Splits: {', '.join(SPLITS)}.")
    check_token_target(target, form=form, force=force)
    emit(Started(STAGE))
    started = time.perf_counter()
    source = _open_source(made, name)
    order = Order.draw(source.copies(), seed)
    about = _describe(made, source.schema, name, len(order.place))
    with written_whole(target) as (scratch, temporary):
        blocks = _advancing(shuffle_rows(source.batches(), order, scratch), order.n_buckets)
        if form == "parquet":
            _write_parquet(blocks, temporary, about, source.schema)
        else:
            _write_tfrecord(blocks, temporary, about, order.n_buckets)
    n_rows, seconds = len(order.place), time.perf_counter() - started
    emit(Finished(stage=STAGE, path=str(target), reused=False, why="", rows=n_rows, seconds=seconds, notes=()))
    return n_rows


def check_token_target(target: Path, *, form: TokenForm, force: bool) -> None:
    """Refuse what cannot be written, before there is any work.

    Raises
    ------
    MissingExtraError
        TensorFlow, which writes TFRecord, is not installed.
    StoreError
        The target is there already.
    """
    if form == "tfrecord" and find_spec("tensorflow") is None:
        raise MissingExtraError.needing("evenly export --to-tfrecord", "TensorFlow", "train")
    refuse_overwriting(target, force=force)


def _open_source(made: Mapping[str, Path], name: str) -> StoredRows:
    single_label = read_facts(made["table"])["task"] != "multilabel"
    if name != "train":
        return StoredRows((made["shards"] / name,), None, None, single_label)
    folders = (made["shards"] / name, made["synthetic"] / name)
    return StoredRows(folders, made["plan"], made["weights"], single_label)


def _describe(made: Mapping[str, Path], schema: pa.Schema, name: str, n_rows: int) -> dict[str, Any]:
    """Return what a trainer has to know to read the rows."""
    tokenizer, shards = read_facts(made["tokenizer"]), read_facts(made["shards"])
    return {
        "split": name,
        "rows": n_rows,
        "columns": {field.name: str(field.type).replace("item: ", "") for field in schema},
        "pad_id": tokenizer["pad_id"],
        "n_ids": tokenizer["n_ids"],
        "token_types": shards["token_types"],
        "label_names": read_label_names(made["table"]),
    }


def _write_parquet(blocks: Iterable[pa.Table], target: Path, about: dict[str, Any], schema: pa.Schema) -> None:
    noted = schema.with_metadata({"evenly": json.dumps(about, ensure_ascii=False)})
    with pq.ParquetWriter(target, noted, compression="zstd") as writer:
        for rows in blocks:
            writer.write_table(rows.replace_schema_metadata(noted.metadata))


def _write_tfrecord(blocks: Iterable[pa.Table], target: Path, about: dict[str, Any], n_blocks: int) -> None:
    """Write one file, or a folder with a file a block."""
    from evenly.train.feed.tfrecord import write_examples

    if target.suffix.lower() in ONE_FILE:
        write_examples(target, blocks)
        return
    target.mkdir()
    for number, rows in enumerate(blocks):
        write_examples(target / f"{about['split']}-{number:05d}-of-{n_blocks:05d}.tfrecord", [rows])
    write_json(target / "features.json", about)


def _advancing(blocks: Iterable[pa.Table], n_blocks: int) -> Iterator[pa.Table]:
    for done, rows in enumerate(blocks, start=1):
        yield rows
        emit(Advanced(STAGE, done, n_blocks, "buckets"))
