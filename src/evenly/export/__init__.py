"""Export: the rows of a split as a plan has them, copies and synthetic rows in full, for other trainers.

`export_split` writes texts, `export_tokens` their ids.
"""

from __future__ import annotations

from evenly.export.files import EXPORT_FORMATS
from evenly.export.request import Export
from evenly.export.split import check_target, export_split
from evenly.export.tokens import check_token_target, export_tokens

__all__ = ["EXPORT_FORMATS", "Export", "check_target", "check_token_target", "export_split", "export_tokens"]
