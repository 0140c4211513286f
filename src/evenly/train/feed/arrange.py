"""What was asked for, and the lengths of the rows -> a `Schedule`.

Comes in: checked options, which stored rows are read and how long they are. Goes out: the groups of rows that may
share a batch, how many a batch has, how wide it is, and how many batches of one shape follow one another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from evenly.errors import ConfigError
from evenly.train.feed.runs import Group, cut_runs
from evenly.train.feed.schedule import Schedule
from evenly.train.feed.widths import choose_widths, join_small_buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evenly.train.feed.options import FeedOptions

__all__ = ["arrange"]

WINDOW_ROWS = 8192
_RUN_ROWS = 1024
_RUN_BYTES = 8 << 20
_RUNS_AN_EPOCH = 16  # at least: a small table is not bound by calls, and its batches should mix lengths


def arrange(
    entries: NDArray[np.int32], length: NDArray[np.int32], options: FeedOptions, *, row_bytes: int, n_columns: int
) -> tuple[Schedule, NDArray[np.int64] | None]:
    """Return the batches of every epoch, and the widths they may have; None: as their rows need.

    Parameters
    ----------
    entries
        Shape (n_entries,), int32: the stored rows to be read, ascending, a row with n copies n times.
    length
        Shape (n_stored,), int32: ids of each stored row.
    options
        What was asked for.
    row_bytes
        Of the widest row of a batch with all that belongs to it.
    n_columns
        Columns of ids, which share the budget of tokens.

    Raises
    ------
    ConfigError
        A row is longer than batches may be, or rows cannot be divided among the workers.
    """
    longest = int(length[entries].max(initial=1))
    window_rows = 0
    if isinstance(options.pad_to, int):
        widths = np.array([_check_width(options.pad_to, longest)])
        groups = [Group(len(entries), _batch_size(options, options.pad_to, n_columns), options.pad_to)]
    elif _in_buckets(options):
        entries, widths, groups = _bucket(entries, length, options, n_columns)
    else:
        window_rows = WINDOW_ROWS if options.buckets == "window" else 0
        widths = choose_widths(None, longest)
        groups = [Group(len(entries), _batch_size(options, longest, n_columns), longest)]
    schedule = Schedule(
        entries=entries,
        group_bounds=np.cumsum([0, *(group.n_rows for group in groups)]),
        length=length,
        runs=cut_runs(
            groups,
            run_steps=[_run_steps(group, len(entries), row_bytes, options.shard[0]) for group in groups],
            n_workers=options.shard[0],
            drop_remainder=options.drop_remainder,
        ),
        shuffle=options.shuffle,
        seed=options.seed,
        window_rows=window_rows,
    )
    return schedule, None if options.pad_to is None else widths


def _in_buckets(options: FeedOptions) -> bool:
    """Whether batches are of fixed widths: where they are given, or the budget makes their sizes differ."""
    return options.buckets is not None and (options.buckets != "window" or options.batch_tokens is not None)


def _check_width(width: int, longest: int) -> int:
    if longest > width:
        raise ConfigError(f"pad_to is {width}, but a row has {longest} ids: expected at least {longest}.")
    return width


def _bucket(
    entries: NDArray[np.int32], length: NDArray[np.int32], options: FeedOptions, n_columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], list[Group]]:
    """Return the entries bucket by bucket, the widths of the buckets, and the buckets."""
    given = None if options.buckets == "window" else options.buckets
    widths = choose_widths(given, int(length[entries].max(initial=1)))
    # The widest first: what is refused names the longest row.
    sizes = np.array([_batch_size(options, int(width), n_columns) for width in widths[::-1]])[::-1]
    n_workers = options.shard[0]
    counts = np.bincount(np.searchsorted(widths, length[entries]), minlength=len(widths))
    alone = sizes * n_workers if given is None else np.full(len(widths), n_workers)
    kept = join_small_buckets(counts, alone, n_workers)
    widths, sizes = widths[kept], sizes[kept]
    bucket = np.searchsorted(widths, length[entries]).astype(np.int16)
    counts = np.bincount(bucket, minlength=len(widths))
    groups = [Group(*of) for of in zip(counts.tolist(), sizes.tolist(), widths.tolist(), strict=True)]
    return entries[np.argsort(bucket, kind="stable")], widths, groups


def _batch_size(options: FeedOptions, width: int, n_columns: int) -> int:
    if options.batch_size is not None:
        return options.batch_size
    tokens = options.batch_tokens or 0
    if tokens < width * n_columns:
        raise ConfigError(
            f"batch_tokens is {tokens}, but a row may take {width * n_columns} ids: expected at least that. Raise it, "
            f"or cut max_length when tokenizing."
        )
    return tokens // (width * n_columns)


def _run_steps(group: Group, n_entries: int, row_bytes: int, n_workers: int) -> int:
    """Return how many batches have one shape and are filled together: see the constants."""
    by_steps = n_entries // (group.batch_size * n_workers) // _RUNS_AN_EPOCH
    return max(1, min(_RUN_ROWS // group.batch_size, _RUN_BYTES // (row_bytes * group.batch_size), by_steps))
