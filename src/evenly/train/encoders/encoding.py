"""Texts through an encoder, in a process of its own: token ids in, parts of vectors in the scratch of the stage out.

A part is some hundred distinct texts of like length. Each is a file that appears whole, so that a run that was killed
goes on with the part that was under way. Importing this module is light; the process imports TensorFlow.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evenly.progress import Advanced, emit
from evenly.train.encoders.backbone import mean_states, open_backbone
from evenly.train.encoders.distinct import find_distinct
from evenly.train.fit import prepare_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.encoders.distinct import DistinctTexts

__all__ = ["PART_TEXTS", "EncodingJob", "encode_parts", "part_file"]

PART_TEXTS = 1_024
_BATCH_IDS, _BATCH_TEXTS = 8_192, 128
_STEP_IDS = 8


@dataclass(frozen=True)
class EncodingJob:
    """One pass over the distinct texts of shards.

    Attributes
    ----------
    encoder, shards
        Artifacts.
    folder
        Where the parts go.
    stage
        Whose progress is told.
    """

    encoder: Path
    shards: Path
    folder: Path
    stage: str


def part_file(folder: Path, number: int) -> Path:
    """Return the file of a part."""
    return folder / f"part-{number:06d}.npy"


def encode_parts(job: EncodingJob) -> None:
    """Write the parts that are not there."""
    prepare_tensorflow(0)
    import tensorflow as tf

    backbone = open_backbone(job.encoder)
    numbers = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)

    @tf.function(input_signature=numbers)  # type: ignore[untyped-decorator]
    def encode(ids: Any, length: Any) -> Any:
        return mean_states(backbone, ids, tf.sequence_mask(length, tf.shape(ids)[1]))

    texts = find_distinct(job.shards)
    total = len(texts.length)
    for number, first in enumerate(range(0, total, PART_TEXTS)):
        emit(Advanced(job.stage, first, total, "texts"))
        path = part_file(job.folder, number)
        if not path.is_file():
            _write(path, _encode_part(texts, range(first, min(first + PART_TEXTS, total)), encode))
    emit(Advanced(job.stage, total, total, "texts"))


def _encode_part(texts: DistinctTexts, part: range, encode: Any) -> NDArray[np.float32]:
    pieces = []
    first = part.start
    while first < part.stop:
        stop = _end_of_batch(texts.length, first, part.stop)
        width = max(_STEP_IDS, -(-int(texts.length[stop - 1]) // _STEP_IDS) * _STEP_IDS)
        ids = np.zeros((stop - first, width), np.int32)
        for place, number in enumerate(range(first, stop)):
            column = texts.indexes[texts.split[number]].columns[0]
            start, length = column.start[texts.place[number]], texts.length[number]
            ids[place, :length] = column.memory[start : start + length]
        pieces.append(encode(ids, texts.length[first:stop].astype(np.int32)).numpy())
        first = stop
    return np.concatenate(pieces)


def _end_of_batch(length: NDArray[np.int64], first: int, stop: int) -> int:
    """Return where a batch ends that begins at `first`: a budget of ids, lengths ascending; at least one text."""
    last = min(stop, first + _BATCH_TEXTS)
    while last > first + 1 and int(length[last - 1]) * (last - first) > _BATCH_IDS:
        last -= 1
    return last


def _write(path: Path, vectors: NDArray[np.float32]) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as stream:
        np.save(stream, vectors)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
