"""The networks: padding has no say, training starts at the best constant, the file opens without evenly."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from evenly.errors import ConfigError
from evenly.train.job import best_constant
from evenly.train.models.choice import choose_model
from evenly.train.models.terms import N_BUCKETS, Pieces, Terms

pytest.importorskip("tensorflow", reason="TensorFlow is an extra")

PAD = 7
N_IDS = 20
SIZES = {"n_ids": N_IDS, "pad_id": PAD, "embedding_size": 6, "hidden_size": 8, "dropout": 0.3}
ALL = ("tfidf", "bow", "cnn", "bilstm", "transformer")
BIAS = np.array([-2.0, 0.5, 1.0])
IDS = np.array([[1, 2, 3, PAD, PAD], [4, PAD, 5, 6, 8], [PAD] * 5], np.int32)


# fmt: off
WORDS = (
    "", "cat", "dog", "bird", "catdog", "birds", "dogs", "", "at", "og",
    "ird", "ats", "cats", "fishes", "dot", "dots", "cot", "cots", "tie", "ties",
)
# fmt: on


def make_grams(pieces):
    from evenly.train.feed.shards import IdColumn, ShardIndex
    from evenly.train.models.grams import learn_grams

    ids = np.tile(np.arange(N_IDS, dtype=np.uint16), 2)
    column = IdColumn("", ids, np.array([0, N_IDS]), np.array([N_IDS, N_IDS], np.int32), (ids,))
    return learn_grams(
        ShardIndex(np.arange(2), (column,), np.zeros(3, np.int64), np.zeros(0, np.int32)), pieces, max_grams=1000
    )


def make_terms():
    """Every id but the pad id is a term, with an idf of its own."""
    term = np.zeros(N_IDS + N_BUCKETS, np.int32)
    real = np.flatnonzero(np.arange(N_IDS) != PAD)
    term[real] = np.arange(1, N_IDS)
    nothing = np.zeros(N_IDS, bool)
    return Terms(Pieces(nothing, nothing, WORDS), term, np.append(0, 1 + np.arange(N_IDS - 1) / 10).astype(np.float32))


@pytest.fixture(scope="module")
def build():
    from evenly.train.fit import prepare_tensorflow

    prepare_tensorflow(0)
    from evenly.train.models.network import build_network
    from evenly.train.models.spec import Head, Spec

    def build(model, task="multilabel", bias=BIAS, *, live=None, positive=None, grams=True, n_rows=1):
        head = Head(task, bias, np.ones(len(bias), bool) if live is None else live, positive)
        terms = make_terms()
        grams = make_grams(terms.pieces) if model == "tfidf" and grams else None
        return build_network(model, Spec(head, terms=terms, grams=grams, n_rows=n_rows, **SIZES))

    return build


def answer(model, ids=IDS):
    return model(ids, training=False).numpy()


@pytest.mark.parametrize("model", ALL)
def test_padding_at_the_end_changes_nothing(build, model):
    network = build(model)
    wider = np.concatenate([IDS, np.full((3, 4), PAD, np.int32)], axis=1)
    np.testing.assert_allclose(answer(network.logits), answer(network.logits, wider), atol=1e-6)
    assert np.isfinite(answer(network.logits)).all()


@pytest.mark.parametrize("model", ["bow", "tfidf"])
def test_words_alone_do_not_look_at_the_order_and_leave_out_the_pad_id_anywhere(build, model):
    network = build(model)
    np.testing.assert_allclose(
        answer(network.logits, np.array([[4, PAD, 5, 6, 8]])),
        answer(network.logits, np.array([[8, 6, 5, 4]])),
        atol=1e-6,
    )


@pytest.mark.parametrize("model", ["cnn", "bilstm", "transformer"])
def test_the_others_look_at_the_order(build, model):
    network = build(model)
    there, back = answer(network.logits, np.array([[4, 5, 6, 9]])), answer(network.logits, np.array([[9, 5, 6, 4]]))
    assert np.abs(there - back).max() > 1e-4


@pytest.mark.parametrize("model", ["bow", "tfidf", "cnn", "transformer"])
def test_a_text_without_words_gets_the_constant_answer(build, model):
    np.testing.assert_allclose(answer(build(model).logits)[2], BIAS, atol=1e-6)


@pytest.mark.parametrize("model", ["bow", "tfidf"])
def test_a_label_that_the_loss_masks_keeps_its_bias(build, model):
    network = build(model, live=np.array([True, False, True]))
    np.testing.assert_allclose(answer(network.logits)[:, 1], 0.5, atol=1e-6)


def test_outputs_are_probabilities_of_all_labels(build):
    z = answer(build("bow").logits)
    np.testing.assert_allclose(answer(build("bow", "multiclass").probabilities).sum(axis=1), 1, atol=1e-6)
    several = build("bow")
    np.testing.assert_allclose(answer(several.probabilities), 1 / (1 + np.exp(-answer(several.logits))), atol=1e-6)
    for positive in (0, 1):
        network = build("bow", "binary", np.array([-1.0]), positive=positive)
        z, p = answer(network.logits), answer(network.probabilities)
        assert p.shape == (3, 2)
        np.testing.assert_allclose(p[:, positive], 1 / (1 + np.exp(-z[:, 0])), atol=1e-6)
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)


def test_best_constants_by_hand():
    # 10 rows, labels held by 4 and by none; weights 3 and 0 (empty)
    found = best_constant("multilabel", np.array([4, 0]), 10, class_weight=np.ones(2), pos_weight=np.array([3.0, 0.0]))
    np.testing.assert_allclose(found, [np.log(3 * 4.5 / 6.5), np.log(0.5 / 10.5)])
    one = {"class_weight": np.array([1.0, 2.0]), "pos_weight": np.ones(2)}
    classes = best_constant("multiclass", np.array([9, 1]), 10, **one)
    np.testing.assert_allclose(classes, [0, np.log(2 * 1.5 / 9.5)])
    np.testing.assert_allclose(
        best_constant("binary", np.array([9, 1]), 10, positive=1, **one), [np.log(2 * 1.5 / 9.5)]
    )


OPEN = """
import sys
import keras, numpy as np
for name in sys.argv[1:]:
    model = keras.models.load_model(name, compile=False)
    found = model(np.load(name + ".ids.npy")).numpy()
    assert np.abs(found - np.load(name + ".npy")).max() < 1e-6, name
assert not [module for module in sys.modules if module.startswith("evenly")]
"""


def test_saved_models_open_without_evenly(build, tmp_path):
    from evenly.train.keras_file import save_model

    names = []
    for model, task, bias, positive in (
        ("bow", "multilabel", BIAS, None),
        ("bilstm", "multiclass", BIAS, None),
        ("tfidf", "multilabel", BIAS, None),
        ("cnn", "multilabel", BIAS, None),
        ("transformer", "binary", BIAS[:1], 0),
    ):
        network = build(model, task, bias, positive=positive)
        path = tmp_path / f"{model}-{task}.keras"
        save_model(network.probabilities, path)
        np.save(f"{path}.npy", answer(network.probabilities))
        np.save(f"{path}.ids.npy", IDS)
        names.append(str(path))
    done = subprocess.run([sys.executable, "-c", OPEN, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_saving_twice_gives_the_same_bytes(build, tmp_path):
    from evenly.train.keras_file import save_model

    network = build("bilstm")
    for name in ("a.keras", "b.keras"):
        save_model(network.probabilities, tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "b.keras"]


def test_the_linear_part_of_tfidf_is_tfidf_of_scikit_learn(build):
    from sklearn.feature_extraction.text import TfidfVectorizer

    network, terms = build("tfidf", grams=False).logits, make_terms()
    words, wide, output = (network.get_layer(name) for name in ("words", "wide", "logits"))
    words.set_weights([np.zeros_like(words.get_weights()[0])])
    kernel = np.random.default_rng(0).normal(size=wide.get_weights()[0].shape).astype(np.float32)
    wide.set_weights([kernel])
    ids = np.array([[1, 1, 1, 2, 9, PAD], [4, 5, 4, 5, 5, 5]])
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+", vocabulary=[f"{i}" for i in range(N_IDS)])
    vectorizer.idf_ = terms.idf[terms.term[:N_IDS]]
    features = vectorizer.transform([" ".join(f"{i}" for i in row if i != PAD) for row in ids]).toarray()
    expected = output.get_weights()[1] + features @ kernel[terms.term[:N_IDS]]
    np.testing.assert_allclose(answer(network, ids), expected, atol=1e-4)


def test_grams_in_the_graph_are_those_of_scikit_learn(build):
    from sklearn.feature_extraction.text import CountVectorizer

    network = build("tfidf", n_rows=3)
    rows = np.array([[1, 2, 1, PAD], [4, 5, 12, 3], [PAD] * 4])
    at, share = (each.numpy() for each in network.linear.features(rows)[1])
    found = np.zeros((3, network.linear.tables[1].input_dim))
    np.add.at(found, (np.arange(3)[:, None, None], at), share)
    texts = [" ".join(WORDS[i] for i in row if i != PAD) for row in rows]
    counts = CountVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(texts).toarray()
    # every gram is in both rows that were learnt from, so that idf is 1: count over the root of the sum of counts
    expected = counts / np.maximum(np.sqrt(counts.sum(axis=1, keepdims=True)), 1)
    for row in range(3):
        np.testing.assert_allclose(
            np.sort(found[row][found[row] > 0]), np.sort(expected[row][expected[row] > 0]), rtol=1e-5
        )


@pytest.mark.parametrize("task", ["multiclass", "multilabel"])
def test_the_linear_part_is_put_at_the_optimum_of_logistic_regression(build, task):
    import tensorflow as tf
    from sklearn.linear_model import LogisticRegression

    from evenly.train.losses.binary import WeightedBinaryCrossentropy
    from evenly.train.losses.categorical import WeightedCrossentropy
    from evenly.train.models.linear import fit_linear

    rng = np.random.default_rng(0)
    ids = rng.integers(0, N_IDS, (90, 6)).astype(np.int32)
    classes = (ids[:, :2].sum(axis=1) // 8 % 3).astype(np.int32)
    several = np.stack([classes == 0, ids[:, 2] > 9, ids[:, 3] > 15], axis=1)
    one = task == "multiclass"
    target = classes if one else several.astype(np.float32)
    loss = WeightedCrossentropy([30, 30, 30]) if one else WeightedBinaryCrossentropy([1, 1, 1])
    network = build("tfidf", task, n_rows=90)
    fit_linear(
        network.linear,
        loss,
        [(tf.constant(ids[part]), tf.constant(target[part])) for part in (slice(50), slice(50, 90))],
    )
    features = np.zeros((90, sum(table.input_dim for table in network.linear.tables)))
    first = 0
    for (at, share), table in zip(network.linear.features(ids), network.linear.tables, strict=True):
        where, value = at.numpy().reshape(90, -1), share.numpy().reshape(90, -1)
        np.add.at(features, (np.arange(90)[:, None], first + where), value)
        first += table.input_dim
    model = LogisticRegression(C=4 if one else 2, max_iter=1000, tol=1e-8)
    if one:
        np.testing.assert_allclose(
            answer(network.probabilities, ids), model.fit(features, classes).predict_proba(features), atol=0.01
        )
    else:
        expected = [model.fit(features, column).predict_proba(features)[:, 1] for column in several.T]
        np.testing.assert_allclose(answer(network.probabilities, ids), np.transpose(expected), atol=0.01)


def test_words_of_several_pieces_are_found_alike_in_the_graph_and_outside(build):
    import keras

    from evenly.train.models.terms import _words
    from evenly.train.models.tfidf import find_terms

    rng = np.random.default_rng(3)
    joined = np.arange(N_IDS) >= 12
    terms = Terms(
        Pieces(joined, np.zeros(N_IDS, bool)), rng.permutation(N_IDS + N_BUCKETS).astype(np.int32), np.ones(1)
    )
    ids = keras.Input((None,), dtype="int32")
    model = keras.Model(ids, find_terms(ids, terms))
    rows = rng.integers(0, N_IDS, (40, 30))
    word, feature = _words(rows.ravel(), np.arange(0, rows.size, 30), terms.pieces)
    expected = np.zeros(rows.size, np.int32)
    expected[word] = terms.term[feature]
    np.testing.assert_array_equal(model(rows).numpy(), expected.reshape(rows.shape))
    assert (feature >= N_IDS).sum() > 100


OWN = """
import keras

def build(spec):
    ids = keras.Input((None,), dtype="int32", name="ids")
    seen = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(spec.n_ids, 4)(ids))
    return keras.Model(ids, keras.layers.Dense(len(spec.head.bias))(seen))

def wide(spec):
    ids = keras.Input((None,), dtype="int32", name="ids")
    return keras.Model(ids, keras.layers.Embedding(spec.n_ids, 4)(ids))
"""


def test_a_network_of_the_users_own(build, tmp_path, monkeypatch):
    from evenly.train.models.network import build_network
    from evenly.train.models.spec import Head, Spec

    (tmp_path / "own_network.py").write_text(OWN)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each])  # as in a console script
    monkeypatch.chdir(tmp_path)
    spec = Spec(Head("multiclass", BIAS, np.ones(3, bool)), **SIZES)
    network = build_network("custom", spec, build="own_network:build")
    np.testing.assert_allclose(answer(network.probabilities).sum(axis=1), 1, atol=1e-6)
    with pytest.raises(ConfigError, match=r"gave Functional with outputs \(None, None, 4\); expected .* \(None, 3\)"):
        build_network("custom", spec, build="own_network:wide")
    with pytest.raises(ConfigError, match="'nowhere:build', which cannot be imported"):
        build_network("custom", spec, build="nowhere:build")


def test_auto_takes_the_size_of_the_table():
    assert choose_model("auto", n_rows=5_000, n_labels=20).name == "tfidf"
    assert choose_model("auto", n_rows=500_000, n_labels=20).name == "bow"
    assert choose_model("auto", n_rows=5_000, n_labels=1_000).name == "bow"
    assert choose_model("cnn", n_rows=500_000, n_labels=1_000).name == "cnn"
    with pytest.raises(ConfigError, match="'transfomer'; did you mean 'transformer'"):
        choose_model("transfomer", n_rows=1, n_labels=1)
