"""Export: the rows of a split as a plan has them, copies and synthetic rows in full, for other trainers."""

from __future__ import annotations

from evenly.export.files import EXPORT_FORMATS
from evenly.export.split import check_target, export_split

__all__ = ["EXPORT_FORMATS", "check_target", "export_split"]
