"""Batches as NumPy arrays, straight from the mapped shards.

Comes in: shards, and optionally a plan of copies and weights. Goes out: ``(inputs, targets[, sample_weight])`` a
batch: padded ids, and labels as the loss wants them. A run of batches has one shape and is filled by one call: what
costs is each call into Python and each shape that TensorFlow meets, not the copying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from evenly.errors import ConfigError, DataError, LabelShapeError
from evenly.train.feed.arrange import arrange
from evenly.train.feed.copies import read_copies
from evenly.train.feed.options import FeedOptions
from evenly.train.feed.parts import fill_inputs, fill_targets
from evenly.train.feed.sample_weights import read_sample_weights
from evenly.train.feed.schedule import EpochsAhead
from evenly.train.feed.shards import open_shards
from evenly.train.feed.stored_vectors import open_vectors
from evenly.train.feed.widths import round_width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.train.feed.options import FeedArguments
    from evenly.train.feed.parts import Empty
    from evenly.train.feed.schedule import Epoch, Schedule
    from evenly.train.feed.shards import ShardIndex
    from evenly.train.feed.stored_vectors import StoredVectors

__all__ = ["EMBEDDING", "Batch", "Batches", "Span", "iter_batches", "open_batches"]

Batch = tuple[Any, ...]
EMBEDDING = "embedding"
"""The name of the input where rows are read as vectors."""


@dataclass(frozen=True)
class Span:
    """From which batch to which epoch is read.

    Attributes
    ----------
    start
        (epoch, step) of the first batch, counted from 0.
    epochs
        The epoch before which reading ends.
    """

    start: tuple[int, int]
    epochs: int

    @classmethod
    def of(cls, epoch: int | None, epochs: int, start: tuple[int, int] | None) -> Span:
        """Return what `epoch` alone or `epochs` mean together with `start`.

        Raises
        ------
        ConfigError
            `epoch` is given and does not go with the others.
        """
        if epoch is None:
            return cls((0, 0) if start is None else start, epochs)
        if epochs != 1 or (start is not None and start[0] != epoch):
            raise ConfigError(f"epoch is {epoch}, with epochs {epochs} and start {start}: give epoch, or the others.")
        return cls((epoch, 0) if start is None else start, epoch + 1)


@dataclass(frozen=True)
class Batches:
    """The batches of one split: what is read, in which order and in which form. See `open_batches`.

    Attributes
    ----------
    index, schedule, options
        The stored rows, when each is read, and what was asked for.
    epochs
        The epochs of the schedule.
    widths
        The widths that batches may have; None: any, rounded up to a multiple of 8.
    target_width
        Columns of the targets; None where they have one dimension.
    weights
        Shape (n_stored,), float32, or None.
    vectors
        The vectors of the rows, which are then the inputs in place of ids; None: the ids are.
    """

    index: ShardIndex
    schedule: Schedule
    options: FeedOptions
    epochs: EpochsAhead
    widths: NDArray[np.int64] | None
    target_width: int | None
    weights: NDArray[np.float32] | None
    vectors: StoredVectors | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch, of each worker."""
        return self.schedule.steps_per_epoch

    @property
    def rows_per_epoch(self) -> int:
        """Rows that all workers together read in an epoch, copies counted."""
        return self.schedule.rows_per_epoch

    def rows(self, epoch: int = 0) -> NDArray[np.int64]:
        """Return the row numbers in the order in which this worker reads them in an epoch."""
        found = self.epochs.get(epoch)
        stored = [self._stored(found, run)[1].ravel() for run in found.sequence.tolist()]
        rows: NDArray[np.int64] = self.index.row[np.concatenate([np.empty(0, np.int32), *stored])]
        return rows

    def rows_of(self, epoch: int, step: int) -> NDArray[np.int64]:
        """Return the row numbers of one batch of this worker."""
        found = self.epochs.get(epoch)
        number = int(np.searchsorted(found.bounds, step, side="right")) - 1
        rows: NDArray[np.int64] = self.index.row[
            self._stored(found, int(found.sequence[number]))[1][step - int(found.bounds[number])]
        ]
        return rows

    def iterate(self, *, epochs: int = 1, start: tuple[int, int] = (0, 0)) -> Iterator[Batch]:
        """Yield the batches of the epochs before `epochs`, from batch `start` = (epoch, step) on."""
        span = Span(start, epochs)
        runs, skip = self.runs(span)
        for run in runs:
            parts = self.fill(run, skip if run == runs.start else 0, epochs=epochs)
            for batch in zip(*parts, strict=True):
                yield self.nest(batch)

    def n_steps(self, span: Span) -> int:
        """Return how many batches a span has."""
        return (span.epochs - span.start[0]) * self.steps_per_epoch - span.start[1]

    def runs(self, span: Span) -> tuple[range, int]:
        """Return the runs of a span, counted over all epochs, and how many batches of the first to skip.

        Raises
        ------
        ConfigError
            The start is not a batch of these epochs (just past the end of an epoch is the next one's first).
        """
        (epoch, step), epochs, n_runs = span.start, span.epochs, self.schedule.n_runs
        if not (0 <= epoch <= epochs and 0 <= step <= self.steps_per_epoch) or (epoch == epochs and step > 0):
            raise ConfigError(
                f"start is (epoch {epoch}, step {step}); expected a batch of {epochs} epochs of "
                f"{self.steps_per_epoch} steps, both counted from 0."
            )
        if epoch == epochs or not n_runs:
            return range(0), 0
        bounds = self.epochs.get(epoch).bounds
        first = int(np.searchsorted(bounds, step, side="right")) - 1
        return range(epoch * n_runs + first, epochs * n_runs), step - int(bounds[first])

    def fill(self, run: int, skip: int = 0, *, epochs: int = 0, empty: Empty = np.empty) -> list[NDArray[Any]]:
        """Fill one run: the inputs (n_batches, rows, width), targets (n_batches, rows, ...) and, where given, weights.

        Parameters
        ----------
        run
            Counted over all epochs.
        skip
            Batches to leave out at its front; the others are as they would be with them.
        epochs
            How many there are in all: the order of the next one is made while this one is read.
        empty
            Gives the arrays to fill.
        """
        epoch, number = divmod(run, self.schedule.n_runs)
        found = self.epochs.get(epoch, ahead=epoch + 1 < epochs)
        everyone, mine = self._stored(found, int(found.sequence[number]))
        mine = mine[skip:]
        stored = np.ascontiguousarray(mine).ravel()
        arrays: list[NDArray[Any]]
        if self.vectors is None:
            widths = self._widths(everyone, int(self.schedule.runs.width[found.sequence[number]]))
            arrays = [*fill_inputs(self.index, self.options, stored, widths, empty)]
        else:
            arrays = [self.vectors.fill(stored, empty)]
        arrays.append(fill_targets(self.index, self.options, stored, self.target_width, empty))
        if self.weights is not None:
            # Without a mode numpy would fill an array of its own first.
            arrays.append(self.weights.take(stored, out=empty(stored.shape, np.float32), mode="clip"))
        return [array.reshape(*mine.shape, *array.shape[1:]) for array in arrays]

    def nest(self, parts: Sequence[Any]) -> Batch:
        """Return what `fill` gives, or types or shapes of it, as ``(inputs, targets[, sample_weight])``."""
        names = self.input_names
        inputs = parts[0] if names in (["input_ids"], [EMBEDDING]) else dict(zip(names, parts, strict=False))
        return (inputs, *parts[len(names) :])

    @property
    def specs(self) -> list[tuple[np.dtype[Any], tuple[int | None, ...]]]:
        """The types and shapes of a batch's parts, as `fill` gives them; None: not the same in every batch."""
        runs = self.schedule.runs
        alike = bool(runs.full.all()) and len(np.unique(runs.n_rows)) == 1
        rows = int(runs.n_rows[0]) // self.options.shard[0] if alike else None
        width = int(self.widths[0]) if self.widths is not None and len(self.widths) == 1 else None
        targets = (rows,) if self.target_width is None else (rows, self.target_width)
        inputs: list[tuple[np.dtype[Any], tuple[int | None, ...]]]
        inputs = [(np.dtype(np.int32), (rows, width)) for _ in self.input_names]
        if self.vectors is not None:
            inputs = [(np.dtype(np.float32), (rows, self.vectors.n_features))]
        weights = [] if self.weights is None else [(np.dtype(np.float32), (rows,))]
        return [*inputs, (self.options.target_dtype, targets), *weights]

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: what was asked for, of each text column that has ids of its own."""
        if self.vectors is not None:
            return [EMBEDDING]
        return [
            f"{kind}_{column.text}" if column.text else kind
            for column in self.index.columns
            for kind in self.options.inputs
        ]

    def _stored(self, epoch: Epoch, run: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return the stored rows of a run, shape (n_steps, rows), of all workers and of this one."""
        runs, (n_workers, index) = self.schedule.runs, self.options.shard
        first, n_steps, n_rows = int(runs.first[run]), int(runs.n_steps[run]), int(runs.n_rows[run])
        everyone = epoch.order[first : first + n_steps * n_rows].reshape(n_steps, n_rows)
        return everyone, everyone[:, n_rows * index // n_workers : n_rows * (index + 1) // n_workers]

    def _widths(self, stored: NDArray[np.int32], at_most: int) -> list[int]:
        """Return the width of each column of ids in the batches of a run."""
        if self.widths is None:
            longest = (int(column.length[stored].max()) for column in self.index.columns)
            return [min(round_width(n_ids), at_most) for n_ids in longest]
        width = int(self.widths[np.searchsorted(self.widths, self.index.length[stored].max())])
        return [width] * len(self.index.columns)


def open_batches(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    embeddings: Sequence[Path] = (),
    **options: Unpack[FeedArguments],
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
    embeddings
        Artifacts of the vectors of the same rows: the inputs are these, float32, shape (batch, n_features), not ids.
    **options
        The fields of `evenly.train.feed.options.FeedOptions`: `split`, `n_labels`, `pad_id`, and `batch_size` or
        `batch_tokens`, are needed.

    Raises
    ------
    SourceNotFoundError
        There are no such shards.
    DataError
        Plan or weights and shards do not belong together, or a label id is out of range.
    LabelShapeError
        `labels` is "int" and a row has no label or several.
    ConfigError
        Options do not fit together or not the rows, or plan or weights are given for a split that has none.
    """
    asked = FeedOptions(**options)
    if asked.split != "train" and (plan is not None or weights is not None):
        raise ConfigError(f"split is {asked.split!r}, but plans and weights are of the train split: leave them out.")
    index = open_shards(shards, asked.split)
    _check_labels(index, asked)
    _check_types(index, asked)
    vectors = open_vectors(embeddings, index.row) if embeddings else None
    n_stored = len(index.row)
    copies = np.ones(n_stored, np.int32) if plan is None else read_copies(plan, index.row)
    target_width = {"multi_hot": asked.n_labels, "int": None, "indices": int(index.n_held.max(initial=1))}
    schedule, widths = arrange(
        np.repeat(np.arange(n_stored, dtype=np.int32), copies),
        index.length,
        asked,
        row_bytes=_row_bytes(index, asked, target_width[asked.labels] or 1, vectors),
        n_columns=len(index.columns),
    )
    return Batches(
        index=index,
        schedule=schedule,
        options=asked,
        epochs=EpochsAhead(schedule),
        widths=widths,
        target_width=target_width[asked.labels],
        weights=None if weights is None else read_sample_weights(weights, index, single_label=asked.labels == "int"),
        vectors=vectors,
    )


def iter_batches(
    shards: Path | Sequence[Path],
    plan: Path | None = None,
    weights: Path | None = None,
    *,
    epoch: int | None = None,
    epochs: int = 1,
    start: tuple[int, int] | None = None,
    **options: Unpack[FeedArguments],
) -> Iterator[Batch]:
    """Yield ``(inputs, targets[, sample_weight])`` as NumPy arrays: for Keras on JAX or PyTorch, and for tests.

    Parameters
    ----------
    shards, plan, weights, **options
        As for `open_batches`.
    epoch
        Read this epoch alone, counted from 0.
    epochs
        How many epochs there are in all, one after the other, each in an order of its own.
    start
        (epoch, step) of the first batch, counted from 0; nothing before it is read.

    Yields
    ------
    tuple
        inputs int32 (batch, width), or a dict of them, targets, and float32 (batch,) weights where `weights` is given.
    """
    span = Span.of(epoch, epochs, start)
    yield from open_batches(shards, plan, weights, **options).iterate(epochs=span.epochs, start=span.start)


def _row_bytes(index: ShardIndex, options: FeedOptions, target_width: int, vectors: StoredVectors | None) -> int:
    """Return the bytes of the widest row of a batch."""
    n_ids = sum(int(column.length.max(initial=1)) for column in index.columns)
    n_numbers = n_ids * len(options.inputs) if vectors is None else vectors.n_features
    return 4 * n_numbers + options.target_dtype.itemsize * target_width + 4


def _check_labels(index: ShardIndex, options: FeedOptions) -> None:
    highest = int(index.label_ids.max(initial=-1))
    if highest >= options.n_labels:
        raise DataError(
            f"The shards hold label id {highest}, but n_labels is {options.n_labels}: ids go from 0 to n_labels - 1."
        )
    largest = options.n_labels - 1
    if options.labels != "multi_hot" and np.array(largest).astype(options.target_dtype) != largest:
        raise ConfigError(f"label_dtype is {options.target_dtype}, which does not hold the label id {largest}.")
    odd = np.flatnonzero(index.n_held != 1)
    if options.labels == "int" and len(odd):
        raise LabelShapeError(
            f"labels='int' needs one label a row, but row {index.row[odd[0]]} has {index.n_held[odd[0]]} ({len(odd)} "
            f"such rows). Use labels='multi_hot' or 'indices'."
        )


def _check_types(index: ShardIndex, options: FeedOptions) -> None:
    if "token_type_ids" in options.inputs and index.columns[0].text:
        names = ", ".join(column.text for column in index.columns)
        raise ConfigError(f"inputs has token_type_ids, but each of {names} has ids of its own: there are no pairs.")
