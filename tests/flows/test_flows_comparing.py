"""`evenly compare`, with a stand-in for training: what is built once, what is reused, what is refused."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from evenly.errors import ConfigError
from evenly.flows.comparing import run_comparison
from evenly.flows.walk import build_step
from evenly.formats import label_lists, read_labels, read_split
from evenly.progress import Finished, observing
from evenly.runs import read_records
from evenly.store import Stage
from small_tables import multilabel_rows, write_jsonl

N_ROWS = 240


def pretend_to_train(work, *, table, split, plan, epochs, seed, loss, **_):
    """Write predictions that depend on the seed alone: three of four labels right."""
    labels, rows = read_labels(table), read_split(split).rows("test")
    held = labels[rows].toarray()
    wrong = np.random.default_rng([seed, len(loss)]).random(held.shape) < 0.25
    predicted = np.where(wrong, 1 - held, held)
    scores = (0.8 * predicted + 0.1).astype(np.float32)
    from scipy import sparse

    columns = {"row": rows, "split": ["test"] * len(rows), "labels": label_lists(labels[rows])}
    columns["predicted"] = label_lists(sparse.csr_matrix(predicted))
    columns["scores"] = pa.array(scores.tolist(), pa.list_(pa.float32()))
    pq.write_table(pa.table(columns), work.out / "predictions.parquet")
    n_labels = held.shape[1]
    groups = {"id": pa.array(range(n_labels), pa.int32()), "split": ["test"] * n_labels, "group": ["tail"] * n_labels}
    pq.write_table(pa.table(groups), work.out / "per_label.parquet")
    n_copies = int(pq.read_table(plan / "plan.parquet")["copies"].to_numpy().sum())
    work.record(rows=n_copies, epochs=epochs, positive=None)


FAKE = Stage("model", 1, pretend_to_train)


def build(site, step, made):
    if step.stage.name != "model":
        return build_step(site, step, made)
    inputs = {name: made[name] for name in step.inputs}
    keep = ("table", "split", "plan")
    params = {name: step.params[name] for name in ("epochs", "seed", "loss")}
    return site.store.build(FAKE, params=params, inputs={name: inputs[name] for name in keep})


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparing")
    rows = [{"text": text, "labels": held} for text, held in multilabel_rows(N_ROWS)]
    source = {"files": [str(write_jsonl(folder / "rows.jsonl", rows))], "text": "text", "labels": {"columns": "labels"}}
    settings = {
        "source": source,
        "tokenize": {"vocabulary_size": 300, "max_length": 40},
        "train": {"baseline": False, "epochs": 20},
        "executor": {"workers": 1},  # in this process
        "compare": {"seeds": 2, "strategies": {"over": {"resample.method": "ml_ros", "resample.target_ir": 2}}},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return path


def run(config, **settings):
    events = []
    with observing(events.append):
        made = run_comparison(config, build=build, **settings)
    built = Counter(event.stage for event in events if isinstance(event, Finished) and not event.reused)
    return made, built, [event.stage for event in events if isinstance(event, Finished)]


@pytest.fixture(scope="module")
def first(config):
    return run(config)


def test_every_strategy_has_every_seed_on_the_same_shards(first):
    made, built, told = first
    assert {name: built[name] for name in ("table", "split", "tokenizer", "shards")} == dict.fromkeys(
        ("table", "split", "tokenizer", "shards"), 1
    )
    assert [name for name in told if name.split()[0] in {"none", "over"}] == ["none 0", "over 0", "none 1", "over 1"]
    assert made["comparison"].facts["n_runs"] == 4
    assert made["comparison"].manifest.params["strategies"]["none"]["resample.method"] == "none"


def test_a_step_of_a_comparison_says_of_which_run_it_is(config, first):
    assert first
    seen = []

    def note(site, step, made):
        seen.append((step.stage.name, step.of))
        return build(site, step, made)

    run_comparison(config, build=note)
    assert [of for name, of in seen if name == "model"] == ["none 0", "over 0", "none 1", "over 1"]
    assert {of for name, of in seen if name in {"table", "shards", "comparison"}} == {""}


def test_only_train_rows_differ_between_strategies(first):
    made, _, _ = first
    runs = made["comparison"].manifest.params["runs"]
    assert [(each["strategy"], each["seed"]) for each in runs] == [("none", 0), ("over", 0), ("none", 1), ("over", 1)]


def test_a_second_call_builds_nothing(config, first):
    made, built, _ = run(config)
    assert not built
    assert made["comparison"].path == first[0]["comparison"].path


def test_another_seed_and_another_strategy_train_their_own_models_alone(config, first):
    assert first
    _, built, _ = run(config, overrides={"compare.seeds": 3})
    assert sorted(built) == ["comparison", "none 2", "over 2"]
    _, built, _ = run(config, only=("over", "loss"))
    assert sorted(built) == ["comparison", "loss 0", "loss 1"]


def test_one_record_names_all_that_was_used(config, first):
    made, _, _ = first
    record = next(each for each in read_records(made["table"].path.parents[1]) if each.flow == "compare")
    stages = Counter(name.split("/")[0] for name in record.artifacts)
    assert stages["model"] >= 4
    assert record.state == "done"
    assert config


def test_a_strategy_may_not_change_what_all_share(config):
    with pytest.raises(ConfigError, match=r"compare.strategies.near changes table.*which all strategies share"):
        run(config, overrides={"compare.strategies": {"near": {"resample.features": "vector"}}})


def test_a_budget_cuts_epochs_and_says_so(config, monkeypatch):
    from evenly.comparison.budget import Speed

    monkeypatch.setattr(Speed, "between", classmethod(lambda cls, *_: cls(1.0, 0.001)))
    made, _, _ = run(config, budget_minutes=0.2)  # 3 s a run: 2 s for 1.25 ms a row and epoch
    params = made["comparison"].manifest.params
    assert params["cuts"][0].startswith("To train 4 models in 0.2 minutes, each got 7 epochs at most instead of 20")
