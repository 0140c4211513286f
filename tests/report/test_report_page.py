"""What the page promises, read back with an HTML parser: nothing runs, nothing loads, everything is said."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.formats import write_json
from evenly.report import figures
from evenly.report.page import mark_new

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evenly.store import Artifact

    Build = Callable[..., dict[str, Artifact]]


@dataclass
class Parsed(HTMLParser):
    """The elements of a page, and its text by element."""

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = ""
        self.scripts: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append([])

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's own signature
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._inside, []).append(data)
        if self._inside == "script":
            self.scripts[-1].append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _parse(html: str) -> Parsed:
    parsed = Parsed()
    parsed.feed(html)
    parsed.close()
    return parsed


def _html(made: dict[str, Artifact]) -> str:
    return (made["report"].path / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(build_run: Build, hostile_names: tuple[str, ...]) -> dict[str, Artifact]:
    """Return a run whose names, texts and title try to break out of the page."""
    return build_run(
        n_labels=9, first_names=hostile_names, texts=hostile_names * 40, title='"></title><script>alert(0)</script>'
    )


def test_hostile_texts_stay_texts(hostile: dict[str, Artifact]) -> None:
    parsed = _parse(_html(hostile))
    tags = [name for name, _ in parsed.tags]
    assert tags.count("script") == 2, "ours, and the data of the table"
    assert tags.count("style") == 1
    assert tags.count("title") == 1
    assert not {"img", "iframe", "object", "embed", "base", "foreignobject"}.intersection(tags)
    handlers = [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert handlers == []
    names = parsed.texts["bdi"]
    for shown in ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "__proto__", "{{ 7 * 7 }}"):
        assert shown in names
    assert "".join(parsed.texts["title"]) == '"></title><script>alert(0)</script> · evenly report'


def test_what_hides_or_reorders_text_is_shown(hostile: dict[str, Artifact]) -> None:
    html = _html(hostile)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u200e\u200f\u202a-\u202e\u2066-\u2069]", html)
    assert "right<U+202E>tfel" in _parse(html).texts["bdi"]


def test_policy_lets_only_our_script_run(hostile: dict[str, Artifact]) -> None:
    parsed = _parse(_html(hostile))
    policies = [each["content"] for each in parsed.named("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    data, script = ("".join(each) for each in parsed.scripts)
    assert json.loads(data)["page"] == 100
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert len(policies) == 1
    assert policies[0] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_page_loads_nothing(hostile: dict[str, Artifact]) -> None:
    parsed = _parse(_html(hostile))
    links = {value for _, each in parsed.tags for name, value in each.items() if name in {"href", "src", "xlink:href"}}
    assert {link for link in links if link and not link.startswith("#")} == {"data:,"}
    assert "@import" not in _html(hostile)
    assert "@font-face" not in _html(hostile)
    targets = {each.get("id") for _, each in parsed.tags}
    assert {str(link)[1:] for link in links if str(link).startswith("#")} <= targets


def test_nothing_of_the_machine_is_in_the_files(hostile: dict[str, Artifact]) -> None:
    root = str(hostile["report"].path.parents[1])
    for name in ("report.html", "report.json"):
        text = (hostile["report"].path / name).read_text(encoding="utf-8")
        assert root not in text
        assert "/home/someone" not in text
        assert "bert" in text


def test_same_artifacts_give_the_same_bytes(build_run: Build) -> None:
    first, second = (build_run(n_labels=60, fresh=True)["report"] for _ in range(2))
    assert first.path != second.path
    assert first.manifest.files == second.manifest.files


@pytest.mark.parametrize(
    ("task", "n_labels", "method"),
    [
        ("binary", 2, "random_over"),
        ("multiclass", 5, "none"),
        ("multilabel", 5, "mlsmote"),
        ("multilabel", 1000, "none"),
    ],
)
def test_page_is_well_formed_for_every_task(build_run: Build, task: str, n_labels: int, method: str) -> None:
    made = build_run(task=task, n_labels=n_labels, method=method, n_rows=1100)
    html = _html(made)
    parsed = _parse(html)
    identifiers = [each["id"] for _, each in parsed.tags if "id" in each]
    assert len(identifiers) == len(set(identifiers))
    table = html[html.index('<table id="label-table">') :].split("</table>")[0]
    rows = re.findall(r"<tr><th scope=\"row\"><bdi>Label \d+</bdi></th>(.*?)</tr>", table, re.DOTALL)
    assert len(rows) == min(n_labels, 100)
    heads = table.split("</thead>")[0].count("<th ")
    assert {row.count("<td") for row in rows} == {heads - 1}
    data = json.loads("".join(parsed.scripts[0]))
    assert len(data["rows"]) == n_labels
    assert {len(row) for row in data["rows"]} == {len(data["kinds"])} == {heads}
    assert ("<noscript>" in html) == (n_labels > 100)
    assert ("resampling" in identifiers) == (method != "none")


def test_charts_have_a_text_alternative_and_a_title(build_run: Build) -> None:
    parsed = _parse(_html(build_run(n_labels=5)))
    drawings = parsed.named("svg")
    assert len(drawings) == 13, "counts, lengths, F1, twice; two curves of training, three of precision; two more"
    assert all(each["role"] == "img" and each["aria-label"] for each in drawings)
    assert len(parsed.named("figure")) == 10


def test_every_head_of_the_label_table_is_a_button(build_run: Build) -> None:
    html = _html(build_run(n_labels=5))
    head = html[html.index('<table id="label-table">') :].split("</thead>")[0]
    assert head.count("<th ") == head.count('<button type="button">') == 15
    assert head.count("aria-sort") == 1


def test_findings_source_and_rare_labels_are_told(build_run: Build) -> None:
    html = _html(build_run(n_labels=5))
    parsed = _parse(html)
    for name in ("texts", "source", "split"):
        assert name in {each["id"] for each in parsed.named("section")}
    texts = html[html.index('<section id="texts"') : html.index('<section id="source"')]
    assert texts.count('<div class="finding warning">') == 3
    assert "Looked for and not found: Texts that are their label." in texts
    source = html[html.index('<section id="source"') : html.index('<section id="notes"')]
    assert re.findall(r"<td>(?:<bdi>)?([^<]+)", source)[:5] == ["csv", "cp1252", "semicolon", "double", "yes"]


def test_a_split_in_folds_and_rows_in_none_are_told(build_run: Build) -> None:
    def in_folds(out: Path) -> None:
        quality = json.loads((out / "quality.json").read_text())
        changed = {"how": "fold 0 of 3 is test, fold 1 validation", "folds": [100, 101, 99], "fold": 0}
        write_json(out / "quality.json", quality | changed)
        rows = pq.read_table(out / "split.parquet").to_pydict()
        rows["split"][-1] = None
        pq.write_table(
            pa.table(rows, pa.schema({"row": pa.int64(), "split": pa.string(), "unit": pa.int64()})),
            out / "split.parquet",
        )

    html = _html(build_run(n_labels=5, overrides={"split": in_folds}))
    assert "Split into 3 folds (100, 101, 99 rows), stratified: <bdi>fold 0 of 3 is test" in html
    assert "1 row is in no split" in html


def test_documented_keys_are_those_of_the_file(build_run: Build) -> None:
    made = build_run(n_labels=5)
    found = json.loads((made["report"].path / "report.json").read_text(encoding="utf-8"))
    table = str(figures.__doc__).split("=  ")[1]
    first_column = [line.split("  ")[0] for line in table.splitlines() if line.startswith("`")]
    documented = [name for cell in first_column for name in re.findall(r"`(\w+)`", cell)]
    assert documented == list(found)
    section = str(figures.__doc__).split("`labels`                  ")[1].split("`thresholds`")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(found["labels"][0])


@pytest.mark.parametrize(
    ("seed", "made", "expected"),
    [
        ("a b c", "a b c", [("a b c", False)]),
        ("a b c", "a X c", [("a ", False), ("X", True), (" c", False)]),
        ("", "new words", [("new words", True)]),
        ("a b", "", []),
    ],
)
def test_marks_words_that_the_seed_has_not(seed: str, made: str, expected: list[tuple[str, bool]]) -> None:
    assert _joined(mark_new(made, seed)) == expected


def _joined(pieces: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Join neighbours of a kind."""
    joined: list[tuple[str, bool]] = []
    for text, new in pieces:
        if joined and joined[-1][1] == new:
            joined[-1] = (joined[-1][0] + text, new)
        else:
            joined.append((text, new))
    return joined
