"""What is done to the labels of a source: renamed, dropped, taken off where rare; and rows that have none.

In: the section `labels` of the config. Out: `LabelRules`, checked. Renaming is done once, not in chains; dropping
goes by the new names. A label is rare by its rows in all files together, so rare and dropped labels are taken off
only when all files are read (`evenly.ingest.labelling.final_labels`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evenly.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evenly.ingest.labelling.label_shape import LabelShape

__all__ = ["LabelRules", "find_label_rules"]


@dataclass(frozen=True)
class LabelRules:
    """What the config says of labels and of rows without one.

    Attributes
    ----------
    rename
        Old name to new; both trimmed.
    drop
        Names, after renaming, that are taken off.
    min_count
        Labels with fewer rows are taken off; 1 takes off none, also where no row holds them.
    unlabelled
        ``auto``, ``keep`` or ``reject``.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    min_count: int = 1
    unlabelled: str = "auto"

    @property
    def take_off(self) -> bool:
        """Whether a row may lose labels."""
        return bool(self.drop) or self.min_count > 1

    def refuses_emptied(self, *, one_each: bool) -> bool:
        """Return whether a row that loses all its labels is refused.

        Parameters
        ----------
        one_each
            Every row has held exactly one label before.
        """
        return self.unlabelled == "reject" or (self.unlabelled == "auto" and one_each)


def find_label_rules(labels: Mapping[str, Any], shape: LabelShape) -> LabelRules:
    """Return the rules of a config.

    Raises
    ------
    ConfigError
        They contradict one another or the shape of the labels.
    """
    rename = {old.strip(): new.strip() for old, new in labels["rename"].items()}
    for old, new in rename.items():
        if not new:
            raise ConfigError(f"labels.rename gives {old!r} no new name. To take a label off, name it in labels.drop.")
    if labels["unlabelled"] == "keep" and shape.format == "single":
        raise ConfigError(
            f"labels.unlabelled is 'keep', but column {shape.columns[0]!r} holds one name a cell, and a row without "
            f"it has nothing to learn from. Use auto or reject; or, where rows may hold several labels, say how they "
            f"are written with labels.format (delimited, list, onehot, fractions)."
        )
    drop = tuple(dict.fromkeys(name.strip() for name in labels["drop"]))
    return LabelRules(rename, drop, labels["min_count"], labels["unlabelled"])
