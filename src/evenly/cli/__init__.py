"""The ``evenly`` command.

Each module holds the commands of one kind; importing it adds them to `app`. Exit codes: 0 done; 1 a defect of evenly
(please report it); 2 bad input, config or arguments, said in one paragraph; 3 a warning of ``evenly inspect
--strict``, damage found by ``evenly store verify`` or trouble found by ``evenly doctor``; 130 interrupted. Heavy
libraries are imported by the command that needs them.
"""

from __future__ import annotations

from evenly.cli import comparisons, health, models, runs, scheduling, storing, tables
from evenly.cli.app import app, main

__all__ = ["app", "comparisons", "health", "main", "models", "runs", "scheduling", "storing", "tables"]
