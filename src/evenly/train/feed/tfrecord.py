"""Rows of tokens as TFRecord files, for trainers that read nothing else.

Comes in: Arrow tables whose columns are numbers or lists of numbers. Goes out: a file of `tf.train.Example`, an
``int64_list`` for each column of integers (a list as long as it is, a number as a list of one) and a ``float_list``
for each of floats. They are read with ``tf.io.FixedLenFeature([], ...)`` and ``tf.io.RaggedFeature(tf.int64)``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from evenly.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["write_examples"]

_ROWS_AT_ONCE = 1_000  # as objects of Python


def write_examples(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write the rows of tables, one after the other, as one file.

    Raises
    ------
    MissingExtraError
        TensorFlow is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what it says of the machine is no concern of a writer
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError.needing("Writing TFRecord", "TensorFlow", "train") from error
    with tf.io.TFRecordWriter(str(path)) as writer:
        for table in tables:
            for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
                for example in _examples(tf.train, batch):
                    writer.write(example)


def _examples(train: Any, batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield each row, serialized."""
    columns = [list(_features(train, batch.column(name))) for name in batch.schema.names]
    for features in zip(*columns, strict=True):
        named = dict(zip(batch.schema.names, features, strict=True))
        yield train.Example(features=train.Features(feature=named)).SerializeToString(deterministic=True)


def _features(train: Any, column: pa.Array) -> Iterator[Any]:
    """Yield the feature of each row."""
    kind = column.type.value_type if pa.types.is_list(column.type) else column.type
    rows = column.to_pylist() if pa.types.is_list(column.type) else [[value] for value in column.to_pylist()]
    for values in rows:
        if pa.types.is_floating(kind):
            yield train.Feature(float_list=train.FloatList(value=values))
        else:
            yield train.Feature(int64_list=train.Int64List(value=values))
