"""The figures of an inspection in; plain sentences that say what to do, the most urgent first, out.

What the stage `checks` found says so itself; what concerns rejects and labels is said here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["find_advice"]

_MANY_REJECTED = 0.01
_UNEVEN = 10
_NAMED = 3
_ORDER = (
    "splits_share_texts",
    "splits_share_near",
    "splits_share_groups",
    "rejected_rows",
    "conflicting_labels",
    "near_conflicts",
    "text_is_label",
    "label_spellings",
    "labels_of_one_row",
    "labels_without_rows",
    "duplicate_texts",
    "rows_without_label",
    "uneven_labels",
    "near_duplicates",
    "commonest_text",
)
"""What spoils results comes before what is only lost."""


def find_advice(figures: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return `name`, `severity` (warning or note) and `sentence` of all there is to say, warnings first."""
    found = [
        _advice(finding["name"], finding["severity"], finding["sentence"])
        for finding in figures["findings"]
        if finding["rows"] and finding["severity"] != "ok"
    ]
    found += [*_about_rejects(figures), *_about_labels(figures)]
    return sorted(found, key=lambda each: (each["severity"] != "warning", _place(each["name"])))


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def _advice(name: str, severity: str, sentence: str) -> dict[str, str]:
    return {"name": name, "severity": severity, "sentence": sentence}


def _about_rejects(figures: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    count, read = figures["rejects"]["count"], figures["table"]["rows_read"]
    if not count:
        return
    reasons = figures["rejects"]["reasons"]
    most = reasons[0]
    first = most["examples"][0]
    where = f" (first {first['file']} line {first['line']:,})" if first["line"] is not None else ""
    more = " among other reasons" if len(reasons) > 1 else ""
    verb = "was" if count == 1 else "were"
    yield _advice(
        "rejected_rows",
        "warning" if count >= _MANY_REJECTED * read else "note",
        f"{count:,} of {read:,} rows {verb} rejected{more} for: {most['reason']}{where}. Mend the file, or say how "
        f"it is to be read: source.encoding, on_bad_bytes, delimiter, quote, labels.",
    )


def _about_labels(figures: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    rare = {each["rows"]: each for each in figures["rare_labels"]}
    if 1 in rare:
        verb, them = ("has", "it") if rare[1]["n_labels"] == 1 else ("have", "them")
        yield _advice(
            "labels_of_one_row",
            "warning",
            f"{_labels(rare[1])} {verb} one row: no split can both train and test {them}. "
            f"source.labels.min_count: 2 takes {them} off, source.labels.rename merges {them} with others.",
        )
    if 0 in rare:
        yield _advice(
            "labels_without_rows",
            "warning",
            f"{_labels(rare[0])} {'has' if rare[0]['n_labels'] == 1 else 'have'} no row at all and cannot be learned: "
            f"leave such columns out of source.labels.columns.",
        )
    unlabelled, most = figures["statistics"]["n_unlabelled"], figures["statistics"]["max_ir"]
    if unlabelled:
        yield _advice(
            "rows_without_label",
            "note",
            f"{unlabelled:,} of {figures['table']['rows_kept']:,} rows have no label and count as rows of zeros; "
            f"source.labels.unlabelled: reject leaves them out.",
        )
    if most is not None and most >= _UNEVEN:
        yield _advice(
            "uneven_labels",
            "note",
            f"The commonest label has {most:,.0f} rows for each row of the rarest: judge a model by macro-F1 and "
            f"PR-AUC, never by accuracy alone.",
        )


def _labels(rare: Mapping[str, Any]) -> str:
    named = ", ".join(repr(name) for name in rare["labels"][:_NAMED])
    n_labels = rare["n_labels"]
    if n_labels == 1:
        return f"The label {named}"
    return f"{n_labels:,} labels ({named}{', ...' if n_labels > _NAMED else ''})"
