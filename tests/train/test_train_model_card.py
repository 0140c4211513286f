"""The model card: metadata that a hub reads, figures of the files, names that are no mark-up."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evenly.errors import SourceNotFoundError
from evenly.store import Stage, Store
from evenly.train.lineage import write_lineage
from evenly.train.model_card import quote_code, render_card, write_card

HOSTILE = "x|`<script>alert(1)</script>`\n# owned"
METRICS = {"test/f1_macro": 0.5, "test/f1_micro": 0.75, "baseline/f1_macro": 0.4, "baseline_prior/f1_macro": 0.1}


def make_table(work):
    work.record(
        rows=90,
        text_columns=["text"],
        rows_read=100,
        rows_kept=90,
        rows_rejected=10,
        dialects=[{"file": HOSTILE}],
        long=list(range(2_000)),
    )


def make_split(work):
    pq.write_table(pa.table({"id": [0, 1], "train": [50, 3]}), work.out / "labels.parquet")
    work.record(n_train=60, n_validation=15, n_test=15, how="by time", n_leaked_rows=0)


def make_plan(work, *, method, target_ir):
    work.record(rows=70, method=method, target=target_ir)


@pytest.fixture
def model(tmp_path):
    store = Store(tmp_path / "store")
    made = {
        "table": store.build(Stage("table", 1, make_table), params={}, inputs={}),
        "split": store.build(Stage("split", 1, make_split), params={}, inputs={}),
        "plan": store.build(Stage("plan", 1, make_plan), params={"method": "mlsmote", "target_ir": 5.0}, inputs={}),
    }
    folder = tmp_path / "model"
    folder.mkdir()
    files = {
        "labels": ["a", HOSTILE],
        "metrics": METRICS,
        "intervals": {"test": {"f1_macro": [0.5, 0.45, 0.55]}},
        "verdict": ["It beats *that*.", "Second.", f"The label {HOSTILE!r} is never predicted."],
        "thresholds": {"task": "multilabel"},
        "reading": {"text": ["text"], "max_length": 64, "truncate": "head"},
        "history": [{"epoch": 1}, {"epoch": 2}],
    }
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
    write_lineage(folder, {name: artifact.path for name, artifact in made.items()})
    return folder


def metadata_of(card):
    _, head, _ = card.split("---\n", 2)
    return yaml.safe_load(head)


def test_the_metadata_is_what_a_hub_reads(model):
    found = metadata_of(render_card(model, license="apache-2.0", language="en"))
    assert (found["license"], found["language"]) == ("apache-2.0", "en")
    assert (found["library_name"], found["pipeline_tag"]) == ("keras", "text-classification")
    [result] = found["model-index"][0]["results"]
    assert result["dataset"]["name"] == HOSTILE
    assert [(each["type"], each["value"]) for each in result["metrics"]] == [("f1", 0.5), ("f1", 0.75)]


def test_the_figures_are_those_of_the_files(model):
    card = render_card(model)
    assert "| macro-F1 | 0.500 | 0.450 to 0.550 | 0.400 | 0.100 |" in card
    assert "100 read, 90 kept, 10 rejected" in card
    assert "60 train, 15 validation, 15 test (by time)" in card
    assert "`mlsmote` (target_ir 5.0)" in card
    assert "| `a` | 50 |" in card
    assert "Epochs trained: 2" in card


def test_lineage_has_digests_and_short_facts(model):
    found = json.loads((model / "lineage.json").read_text(encoding="utf-8"))
    assert set(found["artifacts"]) == {"table", "split", "plan"}
    assert len(found["artifacts"]["plan"]["digest"]) == 64
    assert found["artifacts"]["plan"]["params"] == {"method": "mlsmote", "target_ir": 5.0}
    assert "long" not in found["artifacts"]["table"]["facts"]
    assert found["train_rows"] == [50, 3]
    assert f"`{found['artifacts']['table']['digest'][:16]}`" in render_card(model)


def test_names_are_no_markup(model):
    body = render_card(model).split("---\n", 2)[2]
    assert "\n# owned" not in body
    assert "It beats \\*that\\*." in body
    for line in body.splitlines():
        outside = "".join(part for number, part in enumerate(line.split("``")) if number % 2 == 0)
        assert "<script" not in outside


def test_the_card_is_the_same_twice_and_written_as_readme(model):
    write_card(model)
    assert (model / "README.md").read_text(encoding="utf-8") == render_card(model)


def test_a_folder_that_is_no_model_says_so(tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"has no lineage.json"):
        render_card(tmp_path)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a", "`a`"), ("a|b", "`a\\|b`"), ("`", "`` ` ``"), ("a``b", "``` a``b ```"), ("\n", "`\\n`"), (" ", "` `")],
)
def test_code_is_quoted_with_enough_backticks(name, shown):
    assert quote_code(name) == shown
