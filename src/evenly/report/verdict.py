"""Counts of the test split in; sentences that a client can read out.

Shares are told as counts ("of 100 documents ... it finds 83"); where a label has fewer test documents than that, the
counts themselves are told, so that no sentence claims more than was seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["count_sentences", "describe_label"]

_ENOUGH = 20
"""Test documents that a label needs before it is called the best or the weakest."""
_HUNDRED, _TEN = 100, 10
_NAMED = 5


def count_sentences(
    labels: Sequence[Mapping[str, Any]], totals: Mapping[str, int], task: str, *, positive: str | None = None
) -> list[str]:
    """Return what the model gets right and what it misses on the test split, in plain sentences.

    Parameters
    ----------
    labels
        With `name`, `positives`, `predicted`, `tp`, `f1`, all on the test split.
    totals
        From `evenly.report.results.totals`.
    task
        binary, multiclass or multilabel.
    positive
        The class that a binary task looks for.
    """
    tested = [label for label in labels if label["positives"]]
    if not tested:
        return ["The test split holds no labelled document, so nothing can be said about the model."]
    if task == "binary":
        return [describe_label(label) for label in labels if label["name"] == positive and label["positives"]]
    return [_overall(totals, task), *_extremes(tested), *_never_found(tested)]


def describe_label(label: Mapping[str, Any]) -> str:
    """Return one sentence about a label: how many of its documents are found, how many of its tags are right."""
    name, n, hits, given = _quoted(label["name"]), label["positives"], label["tp"], label["predicted"]
    if n >= _HUNDRED:
        found = f"Of 100 documents labelled {name} it finds {_of(_HUNDRED, hits, n)}"
    else:
        found = f"Of the {n} test document{'s' * (n > 1)} labelled {name} it finds {_some(hits)}"
    if not given:
        return f"{found}; it never gives this label."
    if given >= _TEN:
        return f"{found}; {_of(_TEN, hits, given)} of 10 that it labels so are right."
    return f"{found}; {_some(hits)} of the {given} that it labels so {'is' if hits == 1 else 'are'} right."


def _overall(totals: Mapping[str, int], task: str) -> str:
    found = _of(_HUNDRED, totals["tp"], totals["positives"])
    if task == "multiclass":
        return f"Of 100 test documents it puts {found} into the right class."
    right = _of(_HUNDRED, totals["tp"], totals["predicted"]) if totals["predicted"] else "none"
    return (
        f"Of 100 labels that the test documents carry it finds {found}; of 100 labels that it gives {right} are right."
    )


def _extremes(tested: Sequence[Mapping[str, Any]]) -> list[str]:
    seen_often = [label for label in tested if label["positives"] >= _ENOUGH and label["f1"] is not None]
    if len(seen_often) < 2:  # noqa: PLR2004 - one label is neither best nor weakest
        return [describe_label(label) for label in seen_often]
    ordered = sorted(seen_often, key=lambda label: -label["f1"])
    return [
        f"At its best: {_lower(describe_label(ordered[0]))}",
        f"At its weakest: {_lower(describe_label(ordered[-1]))}",
    ]


def _never_found(tested: Sequence[Mapping[str, Any]]) -> list[str]:
    missed = sorted((label for label in tested if not label["tp"]), key=lambda label: -label["positives"])
    if not missed:
        return []
    names = ", ".join(_quoted(label["name"]) for label in missed[:_NAMED])
    more = f" and {len(missed) - _NAMED} more" if len(missed) > _NAMED else ""
    verb = "is" if len(missed) == 1 else "are"
    return [f"{len(missed):,} of the {len(tested):,} labels in the test split {verb} never found: {names}{more}."]


def _of(whole: int, part: int, total: int) -> str:
    """Return `part` / `total` as a count out of `whole`; never all or none where it is only nearly so."""
    rounded = round(whole * part / total)
    if rounded == whole and part < total:
        return f"more than {whole - 1}"
    if rounded == 0 and part:
        return "fewer than 1"
    return _some(rounded)


def _some(count: int) -> str:
    return f"{count:,}" if count else "none"


def _quoted(name: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
