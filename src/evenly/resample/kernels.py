"""The compiled loops. Imported only by functions that need them, since numba takes half a second to load.

All of them are deterministic: one generator, handed down, and no threads. Kernels that call one another stand in
this one file, because numba's cache looks at the file of the outermost one only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evenly.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Log",
    "State",
    "Supply",
    "grow_in_turn",
    "grow_rows",
    "remove_in_turn",
    "remove_rows",
]

PATIENCE = 25  # rounds without a fall of the largest IR: one round may be bad luck, so many are not
HALF = 0.5
ROUNDING = 1e-12  # by which two sums of the same ratios may differ


class Supply(NamedTuple):
    """What rows can be made of; read only.

    An *entry* is a row within the bag of a label: entries of label l are ``start[l]:start[l + 1]``. A new row holds
    one of the label sets: by entry, or those of the parent with the larger share (of the one row, for a clone).
    """

    start: NDArray[np.int64]
    rows: NDArray[np.int64]
    shuffled: NDArray[np.int64]
    neighbors: NDArray[np.int64]
    n_neighbors: NDArray[np.int64]
    set_start: NDArray[np.int64]
    set_labels: NDArray[np.int64]
    sets_by_entry: bool
    order: NDArray[np.int64]


class State(NamedTuple):
    """Where a growth stands; changed in place.

    `entries` holds for every label the entries still worth trying, in its first `alive` places; recipes walk through
    them (`cursor`) and keep those that can be used again (`kept`). `room` is how often a row may still be used.
    `wanted` marks the entries that came up and whose neighbours are not known.
    """

    counts: NDArray[np.int64]
    top: NDArray[np.int64]
    room: NDArray[np.int64]
    entries: NDArray[np.int64]
    alive: NDArray[np.int64]
    cursor: NDArray[np.int64]
    kept: NDArray[np.int64]
    retired: NDArray[np.bool_]
    wanted: NDArray[np.bool_]


class Log(NamedTuple):
    """The rows added so far, one a place."""

    entry: NDArray[np.int64]
    reference: NDArray[np.int64]
    share: NDArray[np.float64]
    position: NDArray[np.float64]
    label: NDArray[np.int64]
    label_set: NDArray[np.int64]


@compiled
def _copy_into(target: NDArray[np.int64], source: NDArray[np.int64]) -> None:
    for place in range(len(source)):  # a slice assignment takes seconds to compile, for its error messages
        target[place] = source[place]


@compiled
def _reset_lists(supply: Supply, state: State) -> None:
    _copy_into(state.entries, supply.shuffled)
    for label in range(len(state.alive)):
        state.alive[label] = supply.start[label + 1] - supply.start[label]
        state.cursor[label] = 0
        state.kept[label] = 0
        state.retired[label] = False


@compiled
def _any_entry(rng: Any, supply: Supply, state: State, label: int) -> int:
    """Return a random usable entry of the label, or -1; rows that are used up leave the list."""
    start = supply.start[label]
    while state.alive[label] > 0:
        place = start + int(rng.random() * state.alive[label])
        entry: int = state.entries[place]
        if state.room[supply.rows[entry]] > 0:
            return entry
        state.alive[label] -= 1
        last = start + state.alive[label]
        state.entries[place], state.entries[last] = state.entries[last], entry
    return -1


@compiled
def _next_entry(supply: Supply, state: State, label: int) -> int:
    """Return the next usable entry of the label's cycle, or -1; rows that are used up leave the list."""
    start = supply.start[label]
    while True:
        if state.cursor[label] >= state.alive[label]:
            state.alive[label] = state.kept[label]
            state.cursor[label] = 0
            state.kept[label] = 0
            if state.alive[label] == 0:
                return -1
        entry: int = state.entries[start + state.cursor[label]]
        state.cursor[label] += 1
        if state.room[supply.rows[entry]] > 0:
            state.entries[start + state.kept[label]] = entry
            state.kept[label] += 1
            return entry


@compiled
def _raises_top(supply: Supply, state: State, label_set: int) -> bool:
    for place in range(supply.set_start[label_set], supply.set_start[label_set + 1]):
        if state.counts[supply.set_labels[place]] >= state.top[0]:
            return True
    return False


@compiled
def _count_set(supply: Supply, state: State, label_set: int, by: int) -> None:
    for place in range(supply.set_start[label_set], supply.set_start[label_set + 1]):
        label = supply.set_labels[place]
        state.counts[label] += by
        state.top[0] = max(state.top[0], state.counts[label])


@compiled
def _add_row(rng: Any, supply: Supply, state: State, log: Log, n: int, label: int, may_raise: bool) -> bool:  # noqa: FBT001 - numba takes flags by position
    """Make row `n` for the label; False, and the label retired, where no row can be made."""
    k = supply.n_neighbors[label]
    misses = 0
    while True:
        entry = _next_entry(supply, state, label) if k > 0 else _any_entry(rng, supply, state, label)
        if entry < 0:
            break
        row = supply.rows[entry]
        reference, share, position = row, 0.0, 0.0
        if k > 0:
            reference = supply.neighbors[entry, int(rng.random() * k)]
            share = rng.random()
            while share == HALF:  # neither parent has the larger share
                share = rng.random()
            position = (1.0 - share) * rng.random()
        unknown = reference < 0
        if unknown:
            reference = row  # a guess; see `grow_lazily`
        label_set = entry if supply.sets_by_entry else (row if share < HALF else reference)
        accepted = may_raise or not _raises_top(supply, state, label_set)
        if unknown and (accepted or supply.sets_by_entry or share > HALF):
            state.wanted[entry] = True
        if accepted:
            log.entry[n], log.reference[n], log.label[n] = entry, reference, label
            log.share[n], log.position[n], log.label_set[n] = share, position, label_set
            state.room[row] -= 1
            _count_set(supply, state, label_set, 1)
            return True
        misses += 1
        if k == 0:
            state.room[row] = 0  # it holds a label at the top, which stays at the top
        elif misses >= state.alive[label]:
            break
    state.retired[label] = True
    return False


@compiled
def _worst(supply: Supply, state: State, counts: NDArray[np.int64], target_ir: float) -> float:
    """Return the largest IR above the target, by these counts, among labels that can still be helped; 0: none."""
    top = counts.max()
    worst = 0.0
    for label in supply.order:
        if not state.retired[label] and top > target_ir * counts[label]:
            worst = max(worst, top / counts[label])
    return worst


@compiled
def _max_and_mean(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return the largest and the mean IRLbl of the labels with rows."""
    top = fewest = counts.max()
    inverse = 0.0
    n_held = 0
    for count in counts:
        if count > 0:
            fewest = min(fewest, count)
            inverse += 1.0 / count
            n_held += 1
    return top / fewest, top * inverse / n_held


@compiled
def _run_rounds(
    rng: Any,
    supply: Supply,
    state: State,
    log: Log,
    n: int,
    target_ir: float,
    may_raise: bool,  # noqa: FBT001 - as above
) -> tuple[int, int]:
    """Serve every label above the target once a round, rarest first.

    Returns the rows made and those worth keeping: up to where the largest IR that can be helped was lowest, and
    neither the largest IR of all labels nor their mean stood higher than at the start.
    """
    budget = len(log.entry)
    start_max, start_mean = _max_and_mean(state.counts)
    best = state.counts.copy()
    keep, stalled = n, 0
    while n < budget and stalled < PATIENCE:
        before = n
        for label in supply.order:
            if n < budget and not state.retired[label] and state.top[0] > target_ir * state.counts[label]:
                n += _add_row(rng, supply, state, log, n, label, may_raise)
        now_max, now_mean = _max_and_mean(state.counts)
        valid = now_max <= start_max and now_mean <= start_mean * (1.0 + ROUNDING)
        better = now_max < start_max or now_mean < start_mean * (1.0 - ROUNDING)
        stalled += 1
        # A label that has just been retired is no fall: compare the others with what they were.
        if _worst(supply, state, state.counts, target_ir) < _worst(supply, state, best, target_ir):
            _copy_into(best, state.counts)
            stalled = 0
        if valid and better and (stalled == 0 or n == budget):
            keep = n
        if n == before:
            break
    return n, keep


@compiled
def grow_rows(rng: Any, supply: Supply, state: State, log: Log, target_ir: float) -> int:
    """Add rows until every label stands at the target, or the log is full, or nothing more can be helped.

    First any row is taken, for as long as the largest IR falls; then only rows that leave the largest count where it
    is, so that what is still done for one label costs no other.
    """
    n = int(np.int64(0))  # for a literal, numba would compile everything below once more
    for may_raise in (True, False):
        _reset_lists(supply, state)
        made, keep = _run_rounds(rng, supply, state, log, n, target_ir, may_raise)
        n = keep if may_raise else made
        for place in range(n, made):
            _count_set(supply, state, log.label_set[place], -1)
            state.room[supply.rows[log.entry[place]]] += 1
        state.top[0] = state.counts.max()
    return n


@compiled
def grow_in_turn(rng: Any, supply: Supply, state: State, log: Log, mean_ir: float) -> int:
    """Add a row for each label in turn until all stand at `mean_ir`, or the log is full: the rule of ML-ROS.

    A label that has come to the mean is dropped for good, whatever the clones for others do to it.
    """
    _reset_lists(supply, state)
    n = int(np.int64(0))
    before = -1
    while before < n < len(log.entry):
        before = n
        for label in supply.order:
            if n < len(log.entry) and not state.retired[label]:
                n += _add_row(rng, supply, state, log, n, label, True)  # noqa: FBT003 - as above
                if state.top[0] <= mean_ir * state.counts[label]:
                    state.retired[label] = True
    return n


@compiled
def _is_last(
    sets: tuple[NDArray[np.int64], NDArray[np.int64]],
    counts: NDArray[np.int64],
    row: int,
) -> bool:
    for place in range(sets[0][row], sets[0][row + 1]):  # noqa: SIM110 - any() of a generator takes long to compile
        if counts[sets[1][place]] <= 1:
            return True
    return False


@compiled
def remove_in_turn(
    rng: Any,
    bags: tuple[NDArray[np.int64], NDArray[np.int64]],
    sets: tuple[NDArray[np.int64], NDArray[np.int64]],
    counts: NDArray[np.int64],
    free: NDArray[np.bool_],
    budget: int,
    mean_ir: float,
) -> NDArray[np.int64]:
    """Remove a random free row of each label in turn, but no label's last one: the rule of ML-RUS.

    Only labels with a bag are served, each until its IRLbl has risen to `mean_ir`. Returns the rows removed, in
    order. `counts` and `free` are changed in place.
    """
    start, rows = bags
    alive = start[1:] - start[:-1]
    removed = np.empty(budget, np.int64)
    n = 0
    left = True
    while left and n < budget:
        left = False
        for label in range(len(alive)):
            while n < budget and alive[label] > 0:
                place = start[label] + int(rng.random() * alive[label])
                alive[label] -= 1
                row = rows[place]
                rows[place] = rows[start[label] + alive[label]]
                if free[row] and not _is_last(sets, counts, row):
                    free[row] = False
                    removed[n] = row
                    n += 1
                    for position in range(sets[0][row], sets[0][row + 1]):
                        counts[sets[1][position]] -= 1
                    if counts.max() >= mean_ir * counts[label]:
                        alive[label] = 0
                    left = True
                    break
    return removed[:n]


@compiled
def _may_go(
    set_start: NDArray[np.int64],
    set_labels: NDArray[np.int64],
    counts: NDArray[np.int64],
    row: int,
    target_ir: float,
) -> bool:
    """Tell whether all labels of the row would stay at or below the target without it."""
    top = counts.max()
    for place in range(set_start[row], set_start[row + 1]):
        left = counts[set_labels[place]] - 1
        if left < 1 or top > target_ir * left:
            return False
    return True


@compiled
def remove_rows(
    rng: Any,
    bags: tuple[NDArray[np.int64], NDArray[np.int64]],
    sets: tuple[NDArray[np.int64], NDArray[np.int64]],
    counts: NDArray[np.int64],
    free: NDArray[np.bool_],
    budget: int,
    target_ir: float,
) -> NDArray[np.int64]:
    """Remove random free rows of the most frequent label until the largest IR is at the target.

    Returns the rows removed, in order, up to the last one by which the largest count fell. `counts` and `free` are
    changed in place.
    """
    start, rows = bags
    alive = start[1:] - start[:-1]
    removed = np.empty(budget, np.int64)
    n = keep = 0
    while n < budget:
        label = counts.argmax()
        top = counts[label]
        fewest = top
        for count in counts:
            if count > 0:
                fewest = min(fewest, count)
        if top <= target_ir * fewest or alive[label] == 0:
            break
        place = start[label] + int(rng.random() * alive[label])
        alive[label] -= 1
        row = rows[place]
        last = start[label] + alive[label]
        rows[place], rows[last] = rows[last], row
        if free[row] and _may_go(sets[0], sets[1], counts, row, target_ir):
            free[row] = False
            removed[n] = row
            n += 1
            for position in range(sets[0][row], sets[0][row + 1]):
                counts[sets[1][position]] -= 1
            if counts.max() < top:
                keep = n
    return removed[:keep]
