"""Which rows form a unit."""

from __future__ import annotations

import numpy as np

from evenly.labels.units import join_relations


def test_chains_of_texts_and_groups_are_one_unit():
    """Rows 0-1 share a text, 1-4 a group, 4-5 a text; 2 and 3 are alone."""
    text = np.array([0, 0, 2, 3, 4, 4])
    group = np.array([0, 1, 2, 3, 1, 5])
    assert join_relations(text, group).tolist() == [0, 0, 2, 3, 0, 0]


def test_any_number_of_relations_are_chained():
    """A text of two rows (0, 1), nearly the same as that of row 2, whose group row 4 has too; row 3 is alone."""
    own, text, near = np.arange(5), np.array([0, 0, 2, 3, 4]), np.array([0, 0, 0, 3, 4])
    group = np.array([0, 1, 2, 3, 2])
    assert join_relations(text, near, group).tolist() == [0, 0, 0, 3, 0]
    assert join_relations(text, text, own).tolist() == text.tolist()
    assert join_relations(own, own).tolist() == own.tolist()
