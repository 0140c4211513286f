"""A model of a stranger: it answers, or ends in one error of evenly's own; no code of it runs, no file appears."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from fuzz_models import TEXTS, ask, damage, rezip, write_model

from evenly.errors import DataError, EvenlyError, SourceNotFoundError
from evenly.prediction import open_model
from evenly.prediction.model_files import read_decision, read_names
from evenly.tokenize import encode
from evenly.tokenize.origin import load_folder
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.train.reading import read_reading

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

N_FUZZED = 120


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "whole")


@pytest.fixture
def model(whole, tmp_path):
    """Return a copy of a small model to be damaged."""
    folder = tmp_path / "model"
    for path in whole.rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(whole)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return folder


def change_json(path, change):
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(change(value) or value), encoding="utf-8")


def change_config(model, change):
    """Change the config within the ``.keras`` file."""
    path = model / "model.keras"

    def changed(name, content):
        if name != "config.json":
            return content
        value = json.loads(content)
        change(value)
        return json.dumps(value).encode()

    path.write_bytes(rezip(path.read_bytes(), changed))


def layer(config, class_name):
    return next(each for each in config["config"]["layers"] if each["class_name"] == class_name)


def test_the_whole_model_answers(model):
    found = ask(model)
    assert len(found) == len(TEXTS)
    assert len(found["probabilities"][0]) == 3


def test_damaged_models_answer_or_are_refused(whole, tmp_path):
    files = [path.relative_to(whole) for path in sorted(whole.rglob("*")) if path.is_file()]
    ended = {"read": 0, "refused": 0}
    before = sorted(tmp_path.parent.iterdir())
    for case in range(N_FUZZED):
        folder = tmp_path / f"{case}"
        for path in files:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes((whole / path).read_bytes())
        damage(np.random.default_rng([1, case]), folder, files)
        try:
            ask(folder)
            ended["read"] += 1
        except EvenlyError:
            ended["refused"] += 1
    assert min(ended.values()) > N_FUZZED // 10, ended
    assert sorted(tmp_path.parent.iterdir()) == before


def zipped(*parts, raw=None):
    """Return an archive of (name, content), after the parts of another one."""
    written = io.BytesIO(raw or b"")
    with zipfile.ZipFile(written, "a", zipfile.ZIP_DEFLATED) as target:
        for name, content in parts:
            target.writestr(name, content)
    return written.getvalue()


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "assets/../../evil.txt", "..\\evil.txt", "C:evil.txt"])
def test_a_part_cannot_be_outside_of_its_archive(model, name):
    path = model / "model.keras"
    path.write_bytes(zipped((name, "evil"), raw=path.read_bytes()))
    with pytest.raises(DataError, match="which is not inside of it"):
        open_model(model)
    assert not list(model.parent.rglob("*evil.txt"))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_that_is_there_twice_is_refused(model):
    path = model / "model.keras"
    path.write_bytes(zipped(("config.json", "{}"), raw=path.read_bytes()))
    with pytest.raises(DataError, match="two parts of one name"):
        open_model(model)


def test_a_config_that_unpacks_to_a_lot_is_refused_before_it_is_read(model):
    (model / "model.keras").write_bytes(zipped(("config.json", b" " * (1 << 26) + b"{}")))
    with pytest.raises(DataError, match=r"unpacks to 67,108,866 bytes .* which no model of Keras does"):
        open_model(model)


def grow_embedding(config):
    layer(config, "Embedding")["config"]["input_dim"] = 10**12


def grow_dense(config):
    layer(config, "Dense")["config"]["units"] = 10**9


def grow_in_depth(config):
    copies = [json.loads(json.dumps(layer(config, "Embedding"))) for _ in range(300)]
    for number, each in enumerate(copies):
        each["config"] |= {"name": f"copy_{number}", "input_dim": 100_000}
    config["config"]["layers"] += copies


@pytest.mark.parametrize("grow", [grow_embedding, grow_dense, grow_in_depth])
def test_layers_that_the_file_cannot_hold_are_not_built(model, grow):
    change_config(model, grow)
    with pytest.raises(DataError, match=r"weights or more, and a file of .* bytes does not hold them"):
        open_model(model)


@pytest.mark.parametrize(
    ("module", "name", "settings"),
    [
        ("os", "system", {"command": "touch pwned"}),
        ("builtins", "eval", {"source": "open('pwned', 'w')"}),
        ("subprocess", "Popen", {"args": ["touch", "pwned"]}),
        ("keras.utils", "get_file", {"fname": "pwned", "origin": "file:///etc/passwd"}),
        ("keras.config", "enable_unsafe_deserialization", {}),
        ("keras.src.utils.file_utils", "get_file", {}),
        ("keras.layers", "TorchModuleWrapper", {"module": "gASVBwAAAAAAAACMA29zlC4="}),
        ("keras.layers", "TFSMLayer", {"filepath": "elsewhere"}),
        ("evenly.store", "Store", {"place": "pwned"}),
        ("mine", "Layer", {}),
    ],
)
def test_a_class_that_is_no_layer_is_not_called(  # noqa: PLR0917 - a table of cases
    model, monkeypatch, tmp_path, module, name, settings
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))

    def change(config):
        found = layer(config, "GlobalAveragePooling1D")
        found |= {"module": module, "class_name": name, "registered_name": name}
        found["config"] = {"name": found["name"], **settings}

    change_config(model, change)
    with pytest.raises(DataError, match=r"model\.keras cannot be opened"):
        open_model(model)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_layer_with_code_does_not_run_it(model, monkeypatch, tmp_path):
    import keras

    monkeypatch.chdir(tmp_path)
    ids = keras.Input((None,), dtype="int32", name="input_ids")
    code = eval("lambda x: __import__('pathlib').Path('pwned').touch() or x")  # noqa: S307
    keras.Model(ids, keras.layers.Lambda(code)(ids)).save(model / "model.keras")
    (tmp_path / "pwned").unlink()
    with pytest.raises(DataError, match="a Lambda layer, Python code within the file, which evenly does not run"):
        open_model(model)
    assert not (tmp_path / "pwned").exists()


def test_a_vocabulary_is_not_read_from_another_file(model, tmp_path):
    """A lookup layer can name a file as its vocabulary: its lines would be seen (CVE-2025-12058)."""
    secret = tmp_path / "secret.txt"
    secret.write_text("password\n")

    def change(config):
        found = layer(config, "GlobalAveragePooling1D")
        found |= {"module": "keras.layers", "class_name": "StringLookup", "registered_name": None, "build_config": None}
        found["config"] = {"name": found["name"], "vocabulary": str(secret)}

    change_config(model, change)
    with pytest.raises(DataError, match=r"model\.keras cannot be opened"):
        open_model(model)


def test_weights_that_stand_in_another_file_are_not_read(model, tmp_path):
    import h5py

    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(range(112)))

    def changed(name, content):
        if not name.endswith(".h5"):
            return content
        kept = io.BytesIO(content)
        with h5py.File(kept, "r+") as file:
            del file["layers/embedding/vars/0"]
            file.create_dataset(
                "layers/embedding/vars/0", (7, 4), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
            )
        return kept.getvalue()

    path = model / "model.keras"
    path.write_bytes(rezip(path.read_bytes(), changed))
    with pytest.raises(DataError, match=r"model\.keras cannot be opened"):
        open_model(model)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ((4,), "gives 4 probabilities a text, and labels.json names 3 labels"),
        ((2, 3), "expected .None, number of labels"),
    ],
)
def test_a_network_of_another_form_is_told(model, output, said):
    import keras

    ids = keras.Input((None,), dtype="int32", name="input_ids")
    pooled = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(7, 4)(ids))
    answer = keras.layers.Reshape(output)(keras.layers.Dense(int(np.prod(output)))(pooled))
    keras.Model(ids, answer).save(model / "model.keras")
    with pytest.raises(DataError, match=said):
        open_model(model)


def test_ids_that_the_network_does_not_know_are_told(model):
    def change(value):
        value["model"]["vocab"] |= {"goal": 40_000}

    change_json(model / "tokenizer/tokenizer.json", change)
    with pytest.raises(DataError, match=r"fails on its texts: .*not of the same model as the tokenizer"):
        ask(model)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pad_id", -1), ("pad_id", 2**31), ("max_length", 10**30), ("stride", -5), ("text", []), ("columns", ["a", "b"]),
     ("join", "magic"), ("unicode", "NFX"), ("max_length", "x" * 10**6), ("text", "Text"), ("pad_id", None)],
)  # fmt: skip
def test_a_reading_that_is_none_is_refused(model, field, value):
    change_json(model / "reading.json", lambda found: found.update({field: value}))
    with pytest.raises(DataError, match=r"reading\.json is damaged \(.*Copy the model's folder anew") as caught:
        read_reading(model)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("value", [[], {}, "abc", [1], ["a", None], [["a"]], ["\ud800"], 3, None])
def test_names_that_are_none_are_refused(tmp_path, value):
    (tmp_path / "labels.json").write_text(json.dumps(value))
    with pytest.raises(DataError, match=r"labels\.json is damaged"):
        read_names(tmp_path / "labels.json")


RULE = {"task": "multilabel", "global": 0.5, "labels": [{"id": 0, "threshold": 0.5}, {"id": 1, "threshold": 0.1}]}


@pytest.mark.parametrize(
    "change",
    [
        {"task": "os.system"}, {"task": []}, {"global": None}, {"global": "0.5"}, {"global": True}, {"labels": []},
        {"labels": [{"id": 0, "threshold": 0.5}] * 2}, {"labels": [{"id": -1, "threshold": 0.5}, RULE["labels"][0]]},
        {"labels": [{"id": 0, "threshold": 1e999}, RULE["labels"][1]]}, {"labels": "ab"}, {"labels": None},
        {"labels": [{"id": 2**70, "threshold": 0.5}, RULE["labels"][0]]}, {"task": "binary"},
        {"task": "multiclass", "train_counts": [1]}, {"task": "multiclass", "train_counts": [1, "2"]},
        {"task": "multiclass", "train_counts": [1, 2], "tau": "x"}, {"task": "multiclass", "train_counts": {"a": 1}},
    ],
)  # fmt: skip
def test_a_rule_that_is_none_is_refused(tmp_path, change):
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps(RULE))
    assert read_decision(path, 2).thresholds.tolist() == [0.5, 0.1]
    path.write_text(json.dumps(RULE | change))
    with pytest.raises(DataError, match=r"thresholds\.json is damaged \(it is no rule for 2 labels"):
        read_decision(path, 2)


@pytest.mark.parametrize("text", ["[" * 100_000, "\x00", "", '"', '{"a": NaN}' * 2, "9" * 5_000])
def test_json_that_is_none_is_refused(model, text):
    for name in ("labels.json", "thresholds.json", "reading.json", "tokenizer/tokenizer.json"):
        kept = (model / name).read_bytes()
        (model / name).write_text(text)
        with pytest.raises(DataError):
            open_model(model)
        (model / name).write_bytes(kept)


DAMAGED_TOKENIZERS = {
    "ids that no list can have": lambda value: value["model"]["vocab"].update(goal=2**40),
    "ids that are negative": lambda value: value["model"]["vocab"].update(goal=-1),
    "a model that there is not": lambda value: value["model"].update(type="Pickle"),
    "a template without its token": lambda value: value["post_processor"]["special_tokens"].clear(),
    "a pattern that is none": lambda value: value.update(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
    ),
}


@pytest.mark.parametrize("what", DAMAGED_TOKENIZERS)
def test_a_damaged_tokenizer_is_one_clear_error(model, what):
    change_json(model / "tokenizer/tokenizer.json", DAMAGED_TOKENIZERS[what])
    with pytest.raises(DataError, match=r"[Tt]okenizer.*\. The tokenizer\.json is damaged, or was not written by"):
        read_vocabulary(model / "tokenizer")
    with pytest.raises(EvenlyError):
        read_vocabulary(load_folder(model / "tokenizer"))


def test_a_text_that_the_tokenizer_fails_on_is_told(model):
    change_json(model / "tokenizer/tokenizer.json", lambda value: value["model"].update(unk_token="[NONE]"))
    with pytest.raises(DataError, match="The tokenizer fails on a text: WordLevel error"):
        encode(["goal unheard"], model / "tokenizer")
    with pytest.raises(DataError, match="The tokenizer fails on a text"):
        ask(model)


def test_a_tokenizer_folder_runs_no_code_of_its_own(model, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    folder = model / "tokenizer"
    code = "import pathlib\npathlib.Path('pwned').touch()\nclass Mine:\n    pass\n"
    (folder / "mine.py").write_text(code)
    (folder / "tokenizer.json").unlink()
    config = {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", "mine.Mine"]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(SourceNotFoundError, match="Cannot open the tokenizer in"):
        load_folder(folder)
    assert not (tmp_path / "pwned").exists()


def test_predict_ends_in_one_paragraph(model, tmp_path):
    """At the command line, too: no traceback, exit code 2."""
    (model / "labels.json").write_text('["a", 1]')
    table = tmp_path / "texts.csv"
    table.write_text("Text\ngoal\n")
    done = subprocess.run(
        [sys.executable, "-m", "evenly", "predict", str(model), str(table), "-o", str(tmp_path / "out.csv")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "is damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.csv").exists()
