"""The checks of a table's texts in; what was found, with examples that fit a page, out.

``checks.json`` of the artifact is documented in `evenly.inspect`; here texts are cut to what a person reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evenly.report.sources import plain, read_json
from evenly.report.visible import clip

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_findings"]

_N_EXAMPLES = 5
_N_CHARACTERS = 200
_N_HELD = 5
_NEAR = ("near_duplicates", "near_conflicts", "splits_share_near")


def read_findings(checks: Path) -> list[dict[str, Any]]:
    """Return the findings in their order, each with its first examples.

    Besides what the artifact says, each has `looked`, whether it could be looked for: near-duplicates are where
    they are asked for, shared texts where the table names splits; and every example has the same keys, with `held`,
    the distinct label combinations of its rows, in place of `labels`.
    """
    findings: list[dict[str, Any]] = plain(read_json(checks / "checks.json"))
    skipped = _not_looked_for({finding["name"]: finding for finding in findings})
    return [
        finding
        | {"looked": finding["name"] not in skipped}
        | {"examples": [_shorten(example) for example in finding["examples"][:_N_EXAMPLES]]}
        for finding in findings
    ]


def _not_looked_for(findings: dict[str, dict[str, Any]]) -> set[str]:
    skipped = {name for name in _NEAR if findings.get("near_duplicates", {}).get("threshold") is None}
    given = findings.get("splits_share_texts", {}).get("given")
    return skipped | (set() if given else {name for name in findings if name.startswith("splits_")})


def _shorten(example: dict[str, Any]) -> dict[str, Any]:
    """Return an example in which every key is there: null or empty where it means nothing for the finding."""
    text = example.get("text")
    held = dict.fromkeys(tuple(labels) for labels in example.get("labels", ()))
    return {
        "n_rows": example["n_rows"],
        "rows": example["rows"],
        "text": None if text is None else clip(text, _N_CHARACTERS),
        "texts": [clip(each or "", _N_CHARACTERS) for each in example.get("texts", ())],
        "held": [list(labels) for labels in held][:_N_HELD],
        "splits": example.get("splits", []),
        "words": example.get("words", []),
        "similarity": example.get("similarity"),
        "spellings": example.get("spellings", []),
    }
