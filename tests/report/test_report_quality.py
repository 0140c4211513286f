"""What the report says about quality: intervals, thresholds, curves, calibration, errors and advice."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evenly.formats import write_json
from evenly.report.advice import find_advice
from evenly.report.label_table import Column, as_json
from evenly.report.precision_recall import read_pr_curves
from evenly.report.quality_charts import pr_chart, reliability_chart, threshold_chart
from evenly.report.wording import metric_table
from evenly.report.worst_errors import read_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evenly.store import Artifact

    Build = Callable[..., dict[str, Artifact]]


def _drawing(chart: str) -> ET.Element:
    return ET.fromstring(chart)  # noqa: S314 - our own drawing


def _html(made: dict[str, Artifact]) -> str:
    return (made["report"].path / "report.html").read_text(encoding="utf-8")


def _json(made: dict[str, Artifact]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made["report"].path / "report.json").read_text(encoding="utf-8"))
    return found


def test_sections_come_in_the_order_in_which_they_are_read(build_run: Build) -> None:
    sections = re.findall(r'<section id="(\w+)"', _html(build_run(n_labels=5)))
    assert sections[:7] == ["verdict", "imbalance", "split", "training", "metrics", "labels", "thresholds"]
    assert sections[7:12] == ["curves", "calibration", "errors", "resampling", "advice"]
    assert sections[-1] == "settings"


def test_intervals_stand_below_their_figures_and_beside_the_baseline(build_run: Build) -> None:
    html = _html(build_run(n_labels=5))
    section = html[html.index('<section id="metrics"') : html.index('<section id="labels"')]
    assert "1,000 resamples of the 43 texts of the test split (200 for PR-AUC)" in section
    row = next(each for each in section.split("<tr>") if each.startswith('<th scope="row">F1, macro'))
    assert re.sub(r"<[^>]+>", " ", row).split()[-10:] == [
        "0.610",
        "0.55–0.67",
        "0.570",
        "0.55–0.67",
        "+0.040",
        "−0.020",
        "to",
        "+0.100",
        "0.080",
        "0.640",
    ]


def test_metrics_come_in_parts() -> None:
    names = ["f1_macro", "precision_at_3", "n_rows", "f1_macro_tail", "pr_auc_macro_tail", "ece_macro", "hamming_loss"]
    sources, parts = metric_table({"baseline": {}, "test": dict.fromkeys(names, 1)})
    assert sources == ["test", "baseline"]
    assert parts == [
        ("", ["f1_macro", "f1_macro_tail", "hamming_loss"]),
        ("The highest scores of each document", ["precision_at_3"]),
        ("More averages, and counts", ["pr_auc_macro_tail", "ece_macro", "n_rows"]),
    ]


def test_of_one_label_a_row_what_repeats_the_accuracy_is_left_out() -> None:
    names = ["f1_macro", "f1_micro", "precision_micro", "f1_samples", "exact_match", "accuracy"]
    assert metric_table({"test": dict.fromkeys(names, 1)})[1] == [("", ["f1_macro", "accuracy"])]


@pytest.mark.parametrize(
    ("task", "n_labels", "said"),
    [
        ("binary", 2, "The threshold of <bdi>Label 1</bdi> is 0.312"),
        ("multiclass", 4, "It is an offer, not applied."),
        ("multilabel", 4, "3 labels have one of their own; 1, too rare there to choose one by, takes the global one"),
    ],
)
def test_the_rule_is_told_for_every_task(build_run: Build, task: str, n_labels: int, said: str) -> None:
    html = _html(build_run(task=task, n_labels=n_labels, method="none"))
    assert said in html[html.index('<section id="thresholds"') : html.index('<section id="curves"')]


def _curves(folder: Path, n_labels: int) -> Path:
    rows = [
        {"source": source, "id": number, "threshold": 0.5, "precision": 0.5, "recall": recall}
        for source in ("model", "baseline")
        for number in (None, *range(n_labels))
        for recall in (1.0, 0.5)
    ]
    schema = pa.schema({"source": pa.string(), "id": pa.int32(), "threshold": pa.float32()})
    schema = schema.append(pa.field("precision", pa.float64())).append(pa.field("recall", pa.float64()))
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "pr_curves.parquet")
    return folder


def test_curves_are_drawn_from_the_best_label_to_the_worst(tmp_path: Path) -> None:
    labels = [{"id": at, "name": f"L{at}", "positives": 10 + at, "f1": at / 20} for at in range(20)]
    labels[3]["positives"] = 9
    found = read_pr_curves(_curves(tmp_path, 20), labels)
    assert [each["name"] for each in found if each["source"] == "model"] == [None, "L19", "L15", "L10", "L5", "L0"]
    assert len(found) == 12
    assert [point[0] for point in found[0]["points"]] == [0.5, 1.0]
    (model, baseline) = read_pr_curves(tmp_path, labels, positive="L3")
    assert (model["name"], baseline["source"]) == ("L3", "baseline")


def test_charts_tell_what_they_show() -> None:
    both = {"model": [[0.5, 0.8, 0.4], [1.0, 0.3, 0.1]], "baseline": [[0.5, 0.6, 0.4], [1.0, 0.2, 0.1]]}
    drawing = _drawing(pr_chart("<b>&", both))
    assert drawing.attrib["aria-label"] == (
        "Line chart: precision over recall, <b>&; model has precision 0.80 at recall 0.50 and 0.30 at 1.00; "
        "baseline has precision 0.60 at recall 0.50 and 0.20 at 1.00."
    )
    assert sum("mark-line" in element.get("class", "") for element in drawing.iter()) == 2
    bins = [{"n": 3, "mean_score": 0.1, "share_right": 0.0}, {"n": 9, "mean_score": 0.8, "share_right": 0.5}]
    assert "the fullest, of 9 scores, has 0.50 right at a mean score of 0.80" in reliability_chart(bins)
    heights = [{"threshold": height} for height in (0.1, 0.1, 0.9, None)]
    bars = _drawing(str(threshold_chart(heights)))
    tops = [element for element in bars.iter() if "mark-rect" in element.get("class", "")]
    assert len(tops) == 1
    assert "from 0.10 to 0.90" in bars.attrib["aria-label"]
    assert threshold_chart([{"threshold": None}] * 3) is None


def test_worst_errors_come_with_their_texts_and_true_labels(build_run: Build) -> None:
    made = build_run(n_labels=5)
    errors = _json(made)["errors"]
    scores = [each["score"] for each in errors["false_alarms"]]
    assert scores == sorted(scores, reverse=True)
    first = errors["false_alarms"][0]
    table = pq.read_table(made["table"].path / "part-00000.parquet").slice(first["row"], 1).to_pylist()[0]
    assert first["texts"] == {"title": table["title"], "text": table["text"]}
    assert first["held"] == [f"Label {number}" for number in table["labels"]]
    assert {each["kind"] for each in errors["misses"]} == {"miss"}
    assert len({each["row"] for each in errors["false_alarms"]}) == len(errors["false_alarms"])


def test_of_one_label_a_row_a_miss_is_a_false_alarm_of_another(build_run: Build) -> None:
    made = build_run(task="multiclass", n_labels=4, method="none")
    errors = _json(made)["errors"]
    assert errors["misses"] == []
    assert {each["kind"] for label in errors["by_label"] for each in label["errors"]} == {"false alarm"}
    assert "Taken for another class" in _html(made)


def test_without_errors_the_page_says_so(build_run: Build) -> None:
    def none(out: Path) -> None:
        pq.write_table(pq.read_table(out / "errors.parquet").slice(0, 0), out / "errors.parquet")

    made = build_run(n_labels=3, overrides={"model": none})
    assert _json(made)["errors"] == {"false_alarms": [], "misses": [], "by_label": []}
    assert "<p>There are none.</p>" in _html(made)
    found = read_errors(made["table"].path, made["model"].path, _json(made)["labels"], "multilabel")
    assert found["by_label"] == []


def test_a_run_without_baseline_and_test_rows_has_a_page(build_run: Build) -> None:
    def bare(out: Path) -> None:
        kept = dict.fromkeys(("n_units", "n_resamples", "n_area_resamples"), 0)
        write_json(out / "intervals.json", {"level": 0.95, "unit": "rows", **kept, "test": {}})
        write_json(out / "calibration.json", {"bins": {"validation": [], "test": []}, "offer": None})
        write_json(out / "metrics.json", {"test/n_rows": 0, "validation/n_rows": 0, "train/n_rows": 9})
        for name in ("pr_curves", "errors"):
            pq.write_table(pq.read_table(_at(out, name)).slice(0, 0), _at(out, name))

    html = _html(build_run(n_labels=3, overrides={"model": bare}))
    assert "There are no test rows." in html
    assert "so that there is no curve" in html
    assert "resamples of the" not in html
    assert "Difference, model" not in html


def _at(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def test_the_data_of_the_table_cannot_end_the_script(hostile_names: tuple[str, ...]) -> None:
    columns = [Column("Label", "name", "name"), Column("Span", ("low", "high"), "span")]
    labels = [{"name": f"{name}</script><!--\N{LINE SEPARATOR}", "low": None, "high": 1.0} for name in hostile_names]
    text = str(as_json(columns, labels))
    assert not set("<>&\N{LINE SEPARATOR}\N{RIGHT-TO-LEFT OVERRIDE}").intersection(text)
    rows = json.loads(text)["rows"]
    assert rows[0] == ["<script>alert(1)</script></script><!--<U+2028>", None]


GOOD: dict[str, Any] = {
    "split": {"checks": [{"violations": 0}], "quality": {"n_leaked_rows": 0}},
    "intervals": {"difference": {"f1_macro": [0.1, 0.05, 0.15]}},
    "key_figures": [{"metric": "f1_macro"}],
    "labels": [{"f1_low": 0.7, "f1_high": 0.8, "positives": 15}],
    "metrics": {"train": {"pr_auc_macro": 0.9}, "validation": {"pr_auc_macro": 0.8}},
    "thresholds": {"tau": 0.0, "logit_adjustment_offer": None},
    "calibration": {"offer": None},
    "resampling": {"method": "none"},
    "imbalance": {"before": {"mean_ir": 3.0}},
    "table": {"rows_rejected": 0},
}


def test_a_good_run_needs_no_advice() -> None:
    assert find_advice(GOOD) == []


_OFFER = {"tau": 0.6, "f1_macro_argmax": 0.5, "f1_macro": 0.56, "f1_micro_argmax": 0.8, "f1_micro": 0.78}
_CHANGE = {"before": {"ece": 0.12}, "after": {"ece": 0.03}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": {"checks": [{"violations": 2}], "quality": {}}}, "Mend the split"),
        ({"split": {"checks": [], "quality": {"n_leaked_rows": 3}}}, "Mend the split"),
        ({"intervals": {"difference": {"f1_macro": [-0.1, -0.15, -0.05]}}}, "Use TF-IDF with logistic regression"),
        ({"intervals": {"difference": {"f1_macro": [0.1, -0.15, 0.2]}}}, "has not shown that it beats"),
        ({"labels": [{"f1_low": 0.1, "f1_high": 0.8, "positives": 5}]}, "1 label has fewer than 20 test rows"),
        ({"metrics": {"train": {"pr_auc_macro": 0.9}, "validation": {"pr_auc_macro": 0.3}}}, "by heart"),
        (
            {"thresholds": {"tau": 0.0, "logit_adjustment_offer": _OFFER}},
            "tau 0.6 changes macro-F1 by +6.0 points and micro-F1 by -2.0",
        ),
        (
            {"calibration": {"offer": {"temperature": 1.8, "test": _CHANGE}}},
            "0.120 off on average; dividing the logits by 1.8 would leave 0.030",
        ),
        ({"imbalance": {"before": {"mean_ir": 30.0}}}, "evenly compare"),
        ({"table": {"rows_rejected": 7}}, "7 rows were rejected"),
    ],
)
def test_each_figure_that_asks_for_something_is_answered(change: dict[str, Any], said: str) -> None:
    (sentence,) = find_advice(GOOD | change)
    assert said in sentence
