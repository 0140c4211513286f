"""Artifacts of a run -> one self-contained HTML page, and the same figures as JSON.

What reads a single artifact for people, and the page of an inspection, is of use to `evenly inspect` too.
"""

from __future__ import annotations

from evenly.report.findings import read_findings
from evenly.report.lengths import text_lengths
from evenly.report.origin import describe_table, read_dialects
from evenly.report.provenance import read_provenance
from evenly.report.rejects import read_rejects
from evenly.report.write import REPORT, write_report

__all__ = [
    "REPORT",
    "describe_table",
    "read_dialects",
    "read_findings",
    "read_provenance",
    "read_rejects",
    "text_lengths",
    "write_report",
]
