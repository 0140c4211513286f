"""Inspect: table -> ``checks/``, what people need to know of their texts before they train.

Texts that are there twice, nearly twice, with different labels, or that are their own label; labels that differ in
case or white space; texts that are in two of the splits that the table names itself.
"""

from __future__ import annotations

from evenly.inspect.checks import check_texts
from evenly.store import Stage

__all__ = ["CHECKS"]

CHECKS = Stage("checks", 1, check_texts)
