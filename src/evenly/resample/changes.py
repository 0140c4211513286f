"""What a resampling does to rows, without touching one: copies of those there are, recipes for those to be made.

A row that is only given other labels (REMEDIAL) is removed, and recipes that repeat it take its place: copies,
recipes and what reads them need no third kind of change.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NO_LABEL", "Changes", "Recipes"]

NO_LABEL = -1  # the label served, where a row is made for none in particular


@dataclasses.dataclass(frozen=True, eq=False)
class Recipes:
    """Synthetic rows before they are realised; arrays of shape (n_recipes,), in the order they were made.

    Attributes
    ----------
    seed, reference
        int64, the rows they are made of; the same row with a share of 0: its text or vector is repeated.
    share
        float64 in [0, 1): how much of the row the reference gives.
    position
        float64 in [0, 1 - share]: where in the row the reference's part begins.
    label
        int32, the label served, which the seed holds; `NO_LABEL` where there is none.
    labels
        CSR matrix, shape (n_recipes, n_labels), int8: the labels of the row.
    targets
        CSR matrix of the same shape, float32 in [0, 1], or None: soft labels, to be learned in the place of `labels`.
    neighbors
        Shape (n_recipes, k), int64, or None: the rows that the reference was drawn from, nearest first, -1 behind
        them where there are fewer.
    """

    seed: NDArray[np.int64]
    reference: NDArray[np.int64]
    share: NDArray[np.float64]
    position: NDArray[np.float64]
    label: NDArray[np.int32]
    labels: sparse.csr_matrix
    targets: sparse.csr_matrix | None = None
    neighbors: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Return the number of synthetic rows."""
        return len(self.seed)

    @property
    def repeats(self) -> NDArray[np.bool_]:
        """Which rows are one of the given rows again, with labels of their own, shape (n_recipes,)."""
        again: NDArray[np.bool_] = (self.seed == self.reference) & (self.share == 0)
        return again

    def take(self, which: Any) -> Recipes:
        """Return some recipes, by mask, slice or numbers."""
        values = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return dataclasses.replace(self, **{name: value[which] for name, value in values if value is not None})

    def part(self, begin: int, end: int) -> Recipes:
        """Return the recipes from `begin` to before `end`."""
        return self.take(slice(begin, end))

    def renumbered(self, rows: NDArray[np.int64]) -> Recipes:
        """Return the same recipes with parents ``rows[parent]``: from places in a part to rows of a table."""
        near = None if self.neighbors is None else np.where(self.neighbors < 0, -1, rows[self.neighbors])
        return dataclasses.replace(self, seed=rows[self.seed], reference=rows[self.reference], neighbors=near)

    def repeated(self) -> Recipes:
        """Return recipes that repeat the seeds with the same labels: what is realised by duplication."""
        none = np.zeros(len(self))
        return dataclasses.replace(self, reference=self.seed, share=none, position=none, neighbors=None)

    def followed_by(self, others: Recipes) -> Recipes:
        """Return these recipes and others; without `neighbors`, unless one side is empty."""
        if not len(self) or not len(others):
            return self if len(self) else others
        targets = None
        if self.targets is not None or others.targets is not None:
            targets = sparse.vstack([self.soft_labels(), others.soft_labels()], format="csr")
        return Recipes(
            seed=np.concatenate([self.seed, others.seed]),
            reference=np.concatenate([self.reference, others.reference]),
            share=np.concatenate([self.share, others.share]),
            position=np.concatenate([self.position, others.position]),
            label=np.concatenate([self.label, others.label]),
            labels=sparse.vstack([self.labels, others.labels], format="csr"),
            targets=targets,
        )

    def soft_labels(self) -> sparse.csr_matrix:
        """Return what is to be learned, shape (n_recipes, n_labels), float32: `targets`, or else `labels`."""
        return self.labels.astype(np.float32) if self.targets is None else self.targets

    @classmethod
    def none(cls, n_labels: int) -> Recipes:
        """Return no recipes at all."""
        rows = np.empty(0, np.int64)
        return cls.of_rows(rows, sparse.csr_matrix((0, n_labels), dtype=np.int8))

    @classmethod
    def of_rows(cls, rows: NDArray[np.int64], labels: sparse.csr_matrix) -> Recipes:
        """Return recipes that repeat the given rows with labels of their own."""
        nothing = np.zeros(len(rows))
        return cls(rows, rows, nothing, nothing, np.full(len(rows), NO_LABEL, np.int32), labels)


@dataclasses.dataclass(frozen=True, eq=False)
class Changes:
    """The whole of a resampling.

    Attributes
    ----------
    copies
        Shape (n_rows,), int32: 0 removes a row, 1 keeps it, more clone it.
    recipes
        The synthetic rows.
    """

    copies: NDArray[np.int32]
    recipes: Recipes

    @classmethod
    def copying(cls, copies: NDArray[np.int32], n_labels: int) -> Changes:
        """Return changes without synthetic rows."""
        return cls(copies, Recipes.none(n_labels))

    @classmethod
    def adding(cls, recipes: Recipes, n_rows: int) -> Changes:
        """Return changes that keep every row once."""
        return cls(np.ones(n_rows, np.int32), recipes)

    @property
    def nothing(self) -> bool:
        """Whether every row stays as it is, and none is added."""
        return bool((self.copies == 1).all()) and not len(self.recipes)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The given rows as they come out: those kept, each once and in order, then the further copies."""
        clones = np.repeat(np.arange(len(self.copies)), (self.copies - 1).clip(0))
        return np.concatenate([np.flatnonzero(self.copies), clones]).astype(np.int64)

    def labels(self, before: sparse.csr_matrix) -> sparse.csr_matrix:
        """Return the labels of all rows that come out: those of `rows`, then the synthetic ones."""
        return sparse.vstack([before[self.rows], self.recipes.labels], format="csr")

    def followed_by(self, later: Changes) -> Changes:
        """Return what these changes and later ones, which were planned on what comes out of these, do together.

        Raises
        ------
        ConfigError
            A later recipe has a parent that was itself made of two rows: no recipe of given rows says that.
        """
        rows, made = self.rows, self.recipes
        copies = np.zeros(len(self.copies), np.int32)
        np.add.at(copies, rows, later.copies[: len(rows)])
        kept = made.take(np.repeat(np.arange(len(made)), later.copies[len(rows) :]))
        return Changes(copies, kept.followed_by(later.recipes.renumbered(self._parents(later.recipes))))

    def _parents(self, later: Recipes) -> NDArray[np.int64]:
        """Return the given row that each row that comes out is or repeats, and check that parents have one."""
        made = self.recipes
        n_given = len(self.rows)
        used = np.concatenate([later.seed, later.reference])
        used = used[used >= n_given] - n_given
        if not made.repeats[used].all():
            raise ConfigError(
                "A step of the chain would make rows out of rows that an earlier step made of two others, which no "
                "recipe of two given rows can say. Put the step that repeats rows (REMEDIAL, copies) first, and the "
                "one that makes new rows last; steps that remove rows may follow."
            )
        return np.concatenate([self.rows, made.seed])
