"""How far a resampling may go: an aim or an amount, and two bounds, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from typing import Unpack

__all__ = ["OWN_RATIO", "Amount", "Limits", "ResamplingWarning"]

UNBOUNDED = int(np.iinfo(np.int32).max)
OWN_RATIO = 0.25  # rows added or removed, as a share, by methods that need an amount where none is stated


class ResamplingWarning(UserWarning):
    """A resampling is legal, but does little or the opposite of what it is for."""


class Amount(TypedDict, total=False):
    """What may be said about the amount of a resampling; of the first three at most one.

    Attributes
    ----------
    target_ir
        Bring the IRLbl of every label to at most this; at least 1.
    n_samples
        Rows to be added (by under-samplers: removed), if the method finds so many.
    ratio
        The same as a share of the rows.
    max_copies, max_growth
        See `Limits`. With `target_ir` they are 10 and 0.5 unless given, else there is no bound.
    """

    target_ir: float | None
    n_samples: int | None
    ratio: float | None
    max_copies: int | None
    max_growth: float | None


@dataclass(frozen=True)
class Limits:
    """The amount of a resampling, stated by the user.

    Attributes
    ----------
    target_ir
        Bring the IRLbl of every label to at most this; at least 1. None: `n_samples` or `ratio` rows, or where these
        are None too, the method's own rule.
    max_copies
        Most times that one row may stand in the train split, itself included; for synthetic rows: one more than the
        times that it may be a seed.
    max_growth
        Most rows added (or, by the under-samplers, removed), as a share of the rows.
    n_samples, ratio
        Rows to be added or removed: how many, or as a share of the rows.

    Raises
    ------
    ConfigError
        A value is out of range, or two of `target_ir`, `n_samples` and `ratio` are given.
    """

    target_ir: float | None = 10.0
    max_copies: int = 10
    max_growth: float = 0.5
    n_samples: int | None = None
    ratio: float | None = None

    @classmethod
    def stated(cls, **amount: Unpack[Amount]) -> Limits:
        """Return the limits that an amount means; see `Amount` for the bounds that are not given."""
        target_ir, copies, growth = (amount.get(name) for name in ("target_ir", "max_copies", "max_growth"))
        usual = cls() if target_ir is not None else cls(None, UNBOUNDED, math.inf)
        return cls(
            target_ir,  # type: ignore[arg-type]  # a key given by a variable is an object to mypy
            usual.max_copies if copies is None else copies,  # type: ignore[arg-type]
            usual.max_growth if growth is None else growth,  # type: ignore[arg-type]
            amount.get("n_samples"),
            amount.get("ratio"),
        )

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        given = [name for name in ("target_ir", "n_samples", "ratio") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} are given; expected one of them: each alone says how much.")
        if self.target_ir is not None and not (np.isfinite(self.target_ir) and self.target_ir >= 1):
            raise ConfigError(f"target_ir is {self.target_ir!r}; expected a number of at least 1, such as 10.")
        if self.n_samples is not None and self.n_samples < 0:
            raise ConfigError(f"n_samples is {self.n_samples!r}; expected a number of rows, 0 or more.")
        if self.ratio is not None and not (np.isfinite(self.ratio) and self.ratio >= 0):
            raise ConfigError(f"ratio is {self.ratio!r}; expected a share of the rows, such as 0.25.")
        if self.max_copies < 1:
            raise ConfigError(f"max_copies is {self.max_copies!r}; expected at least 1 (the row itself).")
        unbounded = self.target_ir is None and self.max_growth == math.inf
        if not unbounded and not (np.isfinite(self.max_growth) and self.max_growth >= 0):
            raise ConfigError(f"max_growth is {self.max_growth!r}; expected a share of the rows, such as 0.5.")

    @property
    def own_rule(self) -> bool:
        """Whether neither aim nor amount is stated."""
        return self.target_ir is None and self.n_samples is None and self.ratio is None

    def budget(self, n_rows: int, own_ratio: float = math.inf) -> int:
        """Return the most rows that may be added to (or removed from) `n_rows`.

        `own_ratio` is the amount of the method's own rule, as a share of the rows.
        """
        shares = [self.max_growth, math.inf if self.ratio is None else self.ratio]
        share = min([*shares, own_ratio] if self.own_rule else shares)
        rows = math.inf if self.n_samples is None else self.n_samples
        most = min(rows, share * n_rows + 1e-9 if n_rows else 0)  # 0.1 * 30 is 3 rows, whatever the floating point says
        return int(min(most, np.iinfo(np.int64).max // 2))
