"""What a number of minutes buys: epochs first, then rows, both by coarse steps.

Comes in: what a short run took, measured. Goes out: at most so many epochs and train rows for every run alike, and
sentences that say what was cut. Steps are coarse so that another strategy or a bit of noise mostly changes nothing and
finished runs are reused.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EPOCH_STEPS", "Cut", "Speed", "fit_budget"]

EPOCH_STEPS = (100, 50, 30, 20, 15, 10, 7, 5, 3, 2, 1)
ROW_STEPS = (500_000, 200_000, 100_000, 50_000, 20_000, 10_000, 5_000, 2_000)
_GOOD_EPOCHS = 10
"""Rows are cut before epochs go below this: small networks are near their best by then."""
_GROWTH = 1.25
"""Rows of an average strategy beside those of the train split: half of them over-sample, by up to a half."""


@dataclass(frozen=True)
class Speed:
    """Seconds that every run takes, and seconds a row and epoch."""

    start_s: float
    row_epoch_s: float

    @classmethod
    def between(cls, short: tuple[int, float], long: tuple[int, float]) -> Speed:
        """Return the speed that two runs show, each given as rows read (rows times epochs) and seconds."""
        (few, few_s), (many, many_s) = short, long
        row_epoch_s = max(many_s - few_s, 0.0) / max(1, many - few)
        return cls(max(few_s - few * row_epoch_s, 0.0), row_epoch_s)

    def seconds(self, rows: int, epochs: int) -> float:
        """Return what a run takes."""
        return self.start_s + self.row_epoch_s * rows * epochs


@dataclass(frozen=True)
class Cut:
    """What every run may take: `epochs` at most, and of the train split `rows`; None: all of it."""

    epochs: int
    rows: int | None
    sentences: tuple[str, ...]


def fit_budget(minutes: float, speed: Speed, *, n_runs: int, n_rows: int, epochs: int) -> Cut:
    """Return the most that fits.

    Parameters
    ----------
    minutes
        For all runs together.
    speed
        Measured.
    n_runs
        Strategies times seeds.
    n_rows, epochs
        Of the train split and of the config.
    """
    share_s = minutes * 60 / n_runs
    steps = [epochs, *(step for step in EPOCH_STEPS if step < epochs)]
    sizes = [n_rows, *(step for step in ROW_STEPS if step < n_rows)]
    good = [step for step in steps if step >= _GOOD_EPOCHS] or steps[:1]
    low = [step for step in steps if step < good[-1]]
    wanted = [(sizes[0], step) for step in good] + [(size, good[-1]) for size in sizes[1:]]
    wanted += [(sizes[-1], step) for step in low]
    fits = next((each for each in wanted if speed.seconds(int(each[0] * _GROWTH), each[1]) <= share_s), None)
    rows, n_epochs = fits or wanted[-1]
    return Cut(n_epochs, None if rows == n_rows else rows, _say(minutes, n_runs, rows, n_epochs, n_rows, epochs, fits))


def _say(  # noqa: PLR0917 - the parts of one sentence
    minutes: float, n_runs: int, rows: int, n_epochs: int, n_rows: int, epochs: int, fits: tuple[int, int] | None
) -> tuple[str, ...]:
    cuts = [f"{n_epochs} epoch{'s' * (n_epochs > 1)} at most instead of {epochs}"] if n_epochs < epochs else []
    if rows < n_rows:
        cuts.append(f"a sample of {rows:,} of the {n_rows:,} train rows (and as large a share of the others)")
    found = []
    if cuts:
        found.append(f"To train {n_runs} models in {minutes:g} minutes, each got {' and '.join(cuts)}.")
    if fits is None:
        found.append(f"Even so they take longer than {minutes:g} minutes: give more, or fewer seeds and strategies.")
    return tuple(found)
