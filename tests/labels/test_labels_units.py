"""Which rows form a unit."""

from __future__ import annotations

import numpy as np

from evenly.labels.units import join_relations


def test_chains_of_texts_and_groups_are_one_unit():
    """Rows 0-1 share a text, 1-4 a group, 4-5 a text; 2 and 3 are alone."""
    text = np.array([0, 0, 2, 3, 4, 4])
    group = np.array([0, 1, 2, 3, 1, 5])
    assert join_relations(text, group).tolist() == [0, 0, 2, 3, 0, 0]
