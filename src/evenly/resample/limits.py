"""How far a resampling may go: an aim and two bounds, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evenly.errors import ConfigError

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """The amount of a resampling, stated by the user.

    Attributes
    ----------
    target_ir
        Bring the IRLbl of every label to at most this; at least 1.
    max_copies
        Most times that one row may stand in the train split, itself included; for synthetic rows: one more than the
        times that it may be a seed.
    max_growth
        Most rows added (or, by the under-samplers, removed), as a share of the rows.

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    target_ir: float = 10.0
    max_copies: int = 10
    max_growth: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if not (np.isfinite(self.target_ir) and self.target_ir >= 1):
            raise ConfigError(f"target_ir is {self.target_ir!r}; expected a number of at least 1, such as 10.")
        if self.max_copies < 1:
            raise ConfigError(f"max_copies is {self.max_copies!r}; expected at least 1 (the row itself).")
        if not (np.isfinite(self.max_growth) and self.max_growth >= 0):
            raise ConfigError(f"max_growth is {self.max_growth!r}; expected a share of the rows, such as 0.5.")

    def budget(self, n_rows: int) -> int:
        """Return the most rows that may be added to (or removed from) `n_rows`."""
        return int(self.max_growth * n_rows + 1e-9)  # 0.1 * 30 is 3 rows, whatever the floating point says
