"""Which columns of the source become which columns of the table, and what is done to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evenly.formats import RESERVED_COLUMNS
from evenly.ingest.labelling.label_rules import LabelRules
from evenly.ingest.labelling.vocabulary import FileVocabulary
from evenly.ingest.texts import TextRules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evenly.ingest.labelling.label_shape import LabelShape

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """What to take from a source.

    Attributes
    ----------
    text, labels, group, split, keep
        Columns, as `evenly.config.SourceConfig` has them.
    text_rules, label_rules
        What is done to texts and labels.
    """

    text: tuple[str, ...]
    labels: LabelShape
    group: str | None = None
    split: str | None = None
    keep: tuple[str, ...] = ()
    text_rules: TextRules = field(default_factory=TextRules)
    label_rules: LabelRules = field(default_factory=LabelRules)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that must be read, once."""
        return tuple(dict.fromkeys([*self._used, *self.keep]))

    @property
    def carried(self) -> tuple[str, ...]:
        """Columns that are only carried along, so that they may be of any type."""
        return tuple(name for name in dict.fromkeys(self.keep) if name not in self._used)

    @property
    def _used(self) -> tuple[str, ...]:
        extra = (name for name in (self.group, self.split) if name is not None)
        return (*self.text, *self.labels.columns, *extra)

    @property
    def text_names(self) -> dict[str, str]:
        """Source name to table name of the text columns."""
        return _free_names(self.text, "_text", [])

    @property
    def kept_names(self) -> dict[str, str]:
        """Source name to table name of the columns that are carried along and are not text already."""
        carried = [name for name in dict.fromkeys(self.keep) if name not in self.text]
        return _free_names(carried, "_kept", self.text_names.values())

    def new_vocabulary(self) -> FileVocabulary:
        """Return the vocabulary of a file that is about to be read."""
        return FileVocabulary(self.labels.names, self.label_rules.rename, self.labels.columns)


def _free_names(names: Iterable[str], suffix: str, taken: Iterable[str]) -> dict[str, str]:
    """Return a table name for each: its own, or with the suffix where evenly or another column has it."""
    given = list(names)
    used = {*RESERVED_COLUMNS, *taken}
    found: dict[str, str] = {}
    for name in given:
        free = name
        while free in used or (free != name and free in given):
            free += suffix
        found[name] = free
        used.add(free)
    return found
