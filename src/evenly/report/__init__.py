"""Artifacts of a run -> one self-contained HTML page, and the same figures as JSON."""

from __future__ import annotations

from evenly.report.write import REPORT, write_report

__all__ = ["REPORT", "write_report"]
