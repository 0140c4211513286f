"""Rows added for rare labels, one at a time: the loop that ML-ROS and MLSMOTE share.

Bags are the original rows of a label and stay as they are. Every round serves each label above the target once,
rarest first, so that what may be spent is spent fairly; a new row raises the count of every label it holds, and the
largest count too. Rows that were added without a fall of the largest IR are taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from evenly.imbalance import label_counts
from evenly.resample.limits import OWN_RATIO
from evenly.resample.targets import aim_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from evenly.resample.limits import Limits

__all__ = ["Bags", "Growth", "Neighbors", "grow"]


@dataclass(frozen=True, eq=False)
class Bags:
    """The rows of every label that may be served.

    Attributes
    ----------
    start
        Shape (n_labels + 1,), int64: the bag of label l is ``rows[start[l]:start[l + 1]]``.
    rows
        Shape (n_entries,), int64: row numbers, ascending within a bag. A place in it is an *entry*.
    """

    start: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, labels: sparse.csr_matrix, served: NDArray[np.bool_]) -> Bags:
        """Collect the rows of the served labels; other labels get an empty bag."""
        by_label = labels.tocsc()
        by_label.sort_indices()
        sizes = np.diff(by_label.indptr)
        start = np.concatenate([[0], np.cumsum(np.where(served, sizes, 0))]).astype(np.int64)
        return cls(start, by_label.indices[np.repeat(served, sizes)].astype(np.int64))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Rows of every bag, shape (n_labels,)."""
        return np.diff(self.start)

    @property
    def labels(self) -> NDArray[np.int64]:
        """The label of every entry, shape (n_entries,)."""
        return np.repeat(np.arange(len(self.start) - 1), self.sizes)

    def shuffled(self, random_state: np.random.Generator) -> NDArray[np.int64]:
        """Return all entries, those of each bag in random order, shape (n_entries,)."""
        order: NDArray[np.int64] = np.lexsort((random_state.random(len(self.rows)), self.labels))
        return order


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The neighbours of every entry within its bag, and what a row made of them holds.

    Attributes
    ----------
    rows
        Shape (n_entries, k), int64: row numbers, nearest first; -1 for entries that have not been looked at.
    n_neighbors
        Shape (n_labels,), int64: how many of the k columns count; 0 where a bag has a single row.
    label_sets
        Shape (n_entries, n_labels): the labels of a row made from an entry, whatever the reference; None: those of
        the parent with the larger share.
    """

    rows: NDArray[np.int64]
    n_neighbors: NDArray[np.int64]
    label_sets: sparse.csr_matrix | None = None


@dataclass(frozen=True, eq=False)
class Growth:
    """The rows that were added, in order; arrays of shape (n_added,).

    Attributes
    ----------
    seed, reference
        Row numbers, int64; the same where a row is cloned.
    share, position
        float64: how much the reference gives, and where it begins; 0 for clones.
    label
        int32: the label that was served.
    entry
        int64: the place in `Bags.rows`.
    wanted
        Shape (n_entries,), bool: entries that came up although their neighbours are not known. Where there are any,
        the growth is a guess.
    """

    seed: NDArray[np.int64]
    reference: NDArray[np.int64]
    share: NDArray[np.float64]
    position: NDArray[np.float64]
    label: NDArray[np.int32]
    entry: NDArray[np.int64]
    wanted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))


def grow(
    labels: sparse.csr_matrix,
    bags: Bags,
    *,
    limits: Limits,
    random_state: np.random.Generator,
    neighbors: Neighbors | None = None,
) -> Growth:
    """Add rows for the labels that have a bag until each has an IRLbl of at most the target, or none can be helped.

    Where no target is stated, labels are served in turn until each has come to the MeanIR at the start, or the
    amount is used up, as in the papers.

    Parameters
    ----------
    labels
        Shape (n_rows, n_labels), as `label_matrix` returns them.
    bags
        The rows of the labels that may be served.
    limits
        The aim, and how far it may go.
    random_state
        Draws rows, references, shares and positions.
    neighbors
        None: rows are cloned.
    """
    from evenly.resample import kernels

    n_rows, n_labels = labels.shape
    counts = label_counts(labels)
    sets = labels if neighbors is None or neighbors.label_sets is None else neighbors.label_sets
    served = np.flatnonzero(bags.sizes)
    supply = kernels.Supply(
        start=bags.start,
        rows=bags.rows,
        shuffled=bags.shuffled(random_state),
        neighbors=np.zeros((0, 0), np.int64) if neighbors is None else neighbors.rows,
        n_neighbors=np.zeros(n_labels, np.int64) if neighbors is None else neighbors.n_neighbors,
        set_start=sets.indptr.astype(np.int64),
        set_labels=sets.indices.astype(np.int64),
        sets_by_entry=sets is not labels,
        order=served[np.argsort(counts[served], kind="stable")],
    )
    state = kernels.State(
        counts=counts,
        top=np.array([counts.max(initial=0)]),
        room=np.full(n_rows, limits.max_copies - 1, np.int64),
        entries=np.empty_like(supply.shuffled),
        alive=np.empty(n_labels, np.int64),
        cursor=np.empty(n_labels, np.int64),
        kept=np.empty(n_labels, np.int64),
        retired=np.zeros(n_labels, np.bool_),
        wanted=np.zeros(len(bags.rows), np.bool_),
    )
    size = limits.budget(n_rows, OWN_RATIO)
    log = kernels.Log(
        entry=np.empty(size, np.int64),
        reference=np.empty(size, np.int64),
        share=np.empty(size),
        position=np.empty(size),
        label=np.empty(size, np.int64),
        label_set=np.empty(size, np.int64),
    )
    run = kernels.grow_in_turn if limits.target_ir is None else kernels.grow_rows
    n = run(random_state, supply, state, log, aim_of(limits, counts)) if len(served) else 0
    return Growth(
        seed=bags.rows[log.entry[:n]],
        reference=log.reference[:n],
        share=log.share[:n],
        position=log.position[:n],
        label=log.label[:n].astype(np.int32),
        entry=log.entry[:n],
        wanted=state.wanted,
    )
