"""Batches as NumPy arrays, straight from the mapped shards.

Comes in: shards, and optionally a plan of copies and weights. Goes out: ``(inputs, targets[, sample_weight])`` a
batch: padded ids, and labels as the loss wants them. A run of batches has one shape, the width of its longest row,
and is filled by one call: what costs is each call into Python and each shape that TensorFlow meets, not the copying.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, Required, TypedDict, Unpack

import numpy as np

from evenly.errors import ConfigError, DataError, LabelShapeError
from evenly.train.feed.sample_weights import read_sample_weights
from evenly.train.feed.schedule import Schedule, read_copies
from evenly.train.feed.shards import open_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.shards import ShardIndex

__all__ = ["Batch", "BatchOptions", "Batches", "iter_batches", "open_batches"]

Batch = tuple["NDArray[Any]", ...]
Labels = Literal["multi_hot", "int", "indices"]

_RUN_ROWS = 1024
_RUN_BYTES = 16 << 20
_RUNS_AN_EPOCH = 16  # at least: a small table is not bound by calls, and its batches should mix lengths


class BatchOptions(TypedDict, total=False):
    """How rows become batches; see `open_batches`."""

    split: Required[str]
    batch_size: Required[int]
    n_labels: Required[int]
    pad_id: Required[int]
    shuffle: bool
    seed: int
    labels: Labels
    drop_remainder: bool
    pad_to_multiple: int
    window_rows: int


@dataclass(frozen=True)
class Batches:
    """The batches of one split: what is read, in which order and in which form. See `open_batches`.

    Attributes
    ----------
    index, schedule
        The stored rows, and when each is read.
    order
        `schedule.order`, which keeps its last answers.
    labels
        The form of the targets.
    target_width
        Columns of the targets; None where they have one dimension.
    longest
        Ids of the longest stored row, at least 1: no batch is wider.
    pad_id, pad_to_multiple
        What fills a row up, and to a multiple of what.
    weights
        Shape (n_stored,), float32, or None.
    """

    index: ShardIndex
    schedule: Schedule
    order: Callable[[int], NDArray[np.int64]]
    labels: Labels
    target_width: int | None
    longest: int
    pad_id: int
    pad_to_multiple: int
    weights: NDArray[np.float32] | None

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return self.schedule.steps_per_epoch

    @property
    def rows_per_epoch(self) -> int:
        """Rows that an epoch reads, copies counted."""
        return self.schedule.rows_per_epoch

    def rows(self, epoch: int = 0) -> NDArray[np.int64]:
        """Return the row numbers in the order in which an epoch reads them, shape (rows_per_epoch,)."""
        return self.index.row[self.order(epoch)]

    def iterate(self, *, epochs: int = 1, start: tuple[int, int] = (0, 0)) -> Iterator[Batch]:
        """Yield the batches of the epochs before `epochs`, from batch `start` = (epoch, step) on."""
        runs, skip = self.runs(epochs=epochs, start=start)
        for run in runs:
            yield from zip(*self.fill(run, skip if run == runs.start else 0), strict=True)

    def runs(self, *, epochs: int = 1, start: tuple[int, int] = (0, 0)) -> tuple[range, int]:
        """Return the runs from `start` on, counted over all epochs, and how many batches of the first to skip.

        Raises
        ------
        ConfigError
            `start` is not a batch of these epochs (just past the end of an epoch is the next one's first).
        """
        epoch, step = start
        if not (0 <= epoch <= epochs and 0 <= step <= self.steps_per_epoch) or (epoch == epochs and step > 0):
            raise ConfigError(
                f"start is (epoch {epoch}, step {step}); expected a batch of {epochs} epochs of "
                f"{self.steps_per_epoch} steps, both counted from 0."
            )
        bounds = self.schedule.run_bounds
        first, n_runs = int(np.searchsorted(bounds, step, side="right")) - 1, len(bounds) - 1
        return range(epoch * n_runs + first, epochs * n_runs), step - int(bounds[first])

    def fill(self, run: int, skip: int = 0) -> Batch:
        """Fill one run: inputs (n_batches, rows, width), targets (n_batches, rows, ...) and, where given, weights.

        Parameters
        ----------
        run
            Counted over all epochs.
        skip
            Batches to leave out at its front; the others are as they would be with them.
        """
        size, bounds = self.schedule.batch_size, self.schedule.run_bounds
        epoch, run = divmod(run, len(bounds) - 1)
        stored = self.order(epoch)[bounds[run] * size : bounds[run + 1] * size]
        width = self._width(int(self.index.length[stored].max()))
        stored = stored[skip * size :]
        arrays = [self._fill_ids(stored, width), self._fill_targets(stored)]
        if self.weights is not None:
            arrays.append(self.weights[stored])
        rows = min(size, len(stored))
        return tuple(array.reshape(-1, rows, *array.shape[1:]) for array in arrays)

    def _width(self, longest: int) -> int:
        rounded = -(-max(longest, 1) // self.pad_to_multiple) * self.pad_to_multiple
        return min(rounded, self.longest)

    def _fill_ids(self, stored: NDArray[np.int64], width: int) -> NDArray[np.int32]:
        from evenly.train.feed.fill import fill_ids

        out = np.empty((len(stored), width), np.int32)
        segment, start, length = self.index.segment[stored], self.index.start[stored], self.index.length[stored]
        by_segment = np.argsort(segment, kind="stable")
        present, firsts = np.unique(segment[by_segment], return_index=True)
        for number, i in zip(present, np.split(by_segment, firsts[1:]), strict=True):
            fill_ids(self.index.segments[number], start[i], length[i], i, self.pad_id, out)
        return out

    def _fill_targets(self, stored: NDArray[np.int64]) -> NDArray[Any]:
        from evenly.train.feed.fill import fill_indices, fill_multi_hot

        offsets, label_ids = self.index.label_offsets, self.index.label_ids
        if self.target_width is None:
            return label_ids[offsets[stored]]
        out: NDArray[Any]
        if self.labels == "indices":
            out = np.empty((len(stored), self.target_width), np.int32)
            fill_indices(offsets, label_ids, stored, out)
        else:
            out = np.empty((len(stored), self.target_width), np.float32)
            fill_multi_hot(offsets, label_ids, stored, out)
        return out


def open_batches(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    split: str,
    batch_size: int,
    n_labels: int,
    pad_id: int,
    shuffle: bool = False,
    seed: int = 0,
    labels: Labels = "multi_hot",
    drop_remainder: bool = False,
    pad_to_multiple: int = 8,
    window_rows: int = 8192,
) -> Batches:
    """Open the batches of one split.

    Parameters
    ----------
    shards
        One folder of shards, or several: those of the table and the synthetic ones of its plan.
    plan
        For the train split: how often each row is read. None: each row once.
    weights
        For the train split: sample weights. A synthetic row has the class weight of its class where `labels` is
        "int", and 1 otherwise.
    split
        train, validation or test.
    batch_size
        Rows a batch; the last batch of an epoch has the rest.
    n_labels
        Labels of the table, also those that no row of this split has.
    pad_id
        What fills up a row; see the facts of the tokenizer.
    shuffle
        False: rows ascending by number, so that predictions line up with `Batches.rows`. True: an order that
        depends only on (seed, epoch), rows of like length together.
    seed
        Of the orders.
    labels
        "multi_hot": float32 (batch, n_labels). "int": int32 (batch,), one label a row. "indices": int32 (batch,
        most labels a row), filled up with -1.
    drop_remainder
        Leave out the last, smaller batch.
    pad_to_multiple
        A run of batches is as wide as its longest row rounded up to a multiple of this: few distinct shapes. None
        is wider than the longest row of the split.
    window_rows
        Rows sorted by length together; 0: no length buckets.

    Raises
    ------
    SourceNotFoundError
        There are no such shards.
    DataError
        Plan or weights and shards do not belong together, or a label id is out of range.
    LabelShapeError
        `labels` is "int" and a row has no label or several.
    ConfigError
        A size is not positive, or plan or weights are given for a split that has none.
    """
    _check_sizes(batch_size=batch_size, n_labels=n_labels, pad_to_multiple=pad_to_multiple)
    if split != "train" and (plan is not None or weights is not None):
        raise ConfigError(f"split is {split!r}, but plans and weights are of the train split: leave them out.")
    index = open_shards(shards, split)
    n_held = np.diff(index.label_offsets)
    _check_labels(index, n_held, labels, n_labels)
    n_stored = len(index.row)
    copies = np.ones(n_stored, np.int32) if plan is None else read_copies(plan, index.row)
    entries = np.repeat(np.arange(n_stored), copies)
    longest = int(index.length.max(initial=1))
    target_width = {"multi_hot": n_labels, "int": None, "indices": int(n_held.max(initial=1))}[labels]
    schedule = Schedule(
        entries,
        index.length,
        batch_size,
        shuffle=shuffle,
        seed=seed,
        window_rows=window_rows,
        run_batches=_run_batches(batch_size, len(entries), 4 * (longest + (target_width or 1) + 1)),
        drop_remainder=drop_remainder,
    )
    return Batches(
        index=index,
        schedule=schedule,
        order=lru_cache(maxsize=2)(schedule.order),
        labels=labels,
        target_width=target_width,
        longest=longest,
        pad_id=pad_id,
        pad_to_multiple=pad_to_multiple,
        weights=None if weights is None else read_sample_weights(weights, index, single_label=labels == "int"),
    )


def iter_batches(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    epochs: int = 1,
    start: tuple[int, int] = (0, 0),
    **options: Unpack[BatchOptions],
) -> Iterator[Batch]:
    """Yield ``(inputs, targets[, sample_weight])`` as NumPy arrays: for Keras on JAX or PyTorch, and for tests.

    Parameters
    ----------
    shards, plan, weights, **options
        As for `open_batches`.
    epochs
        How many epochs there are in all, one after the other, each in an order of its own.
    start
        (epoch, step) of the first batch, counted from 0.

    Yields
    ------
    tuple
        inputs int32 (batch, width), targets, and float32 (batch,) weights where `weights` is given.
    """
    yield from open_batches(shards, plan, weights, **options).iterate(epochs=epochs, start=start)


def _run_batches(batch_size: int, n_entries: int, row_bytes: int) -> int:
    """Return how many batches have one shape and are filled together: see the constants."""
    by_steps = n_entries // batch_size // _RUNS_AN_EPOCH
    return max(1, min(_RUN_ROWS // batch_size, _RUN_BYTES // (row_bytes * batch_size), by_steps))


def _check_sizes(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise ConfigError(f"{name} is {size}, expected at least 1.")


def _check_labels(index: ShardIndex, n_held: NDArray[np.int64], labels: Labels, n_labels: int) -> None:
    highest = int(index.label_ids.max(initial=-1))
    if highest >= n_labels:
        raise DataError(
            f"The shards hold label id {highest}, but n_labels is {n_labels}: ids go from 0 to n_labels - 1."
        )
    odd = np.flatnonzero(n_held != 1)
    if labels == "int" and len(odd):
        raise LabelShapeError(
            f"labels='int' needs one label a row, but row {index.row[odd[0]]} has {n_held[odd[0]]} ({len(odd)} such "
            f"rows). Use labels='multi_hot' or 'indices'."
        )
