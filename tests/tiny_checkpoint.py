"""A BERT of two small layers with random weights, as `save_pretrained` writes one, and its forward pass in NumPy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from small_tables import FILLER, TOPICS

if TYPE_CHECKING:
    from pathlib import Path

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
WORDS = [*SPECIAL.values(), ".", *FILLER, *(word for words in TOPICS.values() for word in words)]
LENGTH, SIZE, INNER, N_HEADS, N_LAYERS = 32, 16, 24, 2, 2


def write_checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True)
    config = {
        "model_type": "bert",
        "vocab_size": len(WORDS),
        "num_hidden_layers": N_LAYERS,
        "num_attention_heads": N_HEADS,
        "hidden_size": SIZE,
        "intermediate_size": INNER,
        "max_position_embeddings": LENGTH,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(draw_weights(), folder / "model.safetensors")
    save_tokenizer(folder)
    return folder


def draw_weights():
    rng = np.random.default_rng(5)

    def draw(*shape, spread=0.5):
        return rng.normal(0, spread, shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": draw(len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": draw(LENGTH, SIZE, spread=0.1),
        "embeddings.token_type_embeddings.weight": draw(2, SIZE),
        "pooler.dense.weight": draw(SIZE, SIZE),
        "pooler.dense.bias": draw(SIZE),
    }
    norms = ["embeddings.LayerNorm"]
    for i in range(N_LAYERS):
        name = f"encoder.layer.{i}"
        dense = {
            "attention.self.query": (SIZE, SIZE),
            "attention.self.key": (SIZE, SIZE),
            "attention.self.value": (SIZE, SIZE),
            "attention.output.dense": (SIZE, SIZE),
            "intermediate.dense": (INNER, SIZE),
            "output.dense": (SIZE, INNER),
        }
        for part, shape in dense.items():
            weights |= {f"{name}.{part}.weight": draw(*shape), f"{name}.{part}.bias": draw(shape[0])}
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    for name in norms:
        weights |= {f"{name}.weight": 1 + draw(SIZE, spread=0.1), f"{name}.bias": draw(SIZE, spread=0.1)}
    return weights


def save_tokenizer(folder: Path):
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(word, vocabulary[word]) for word in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **SPECIAL).save_pretrained(folder)


def encode(ids):
    """Return the mean of the last states of a text, without padding: the formulas of BERT's paper and its code."""
    weights = {name: value.astype(np.float64) for name, value in draw_weights().items()}

    def dense(name, x):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(name, x):
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def attend(name, x):
        query, key, value = (
            dense(f"{name}.self.{part}", x).reshape(len(x), N_HEADS, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.sqrt(SIZE / N_HEADS)
        share = np.exp(scores - scores.max(axis=2, keepdims=True))
        heard = share / share.sum(axis=2, keepdims=True) @ value
        return dense(f"{name}.output.dense", heard.swapaxes(0, 1).reshape(len(x), SIZE))

    def gelu(x):
        """The form with tanh (Hendrycks and Gimpel 2016), which KerasHub's BERT has; the exact one differs by 2e-4."""
        return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2

    words, types = (weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "token_type"))
    places = weights["embeddings.position_embeddings.weight"]
    states = norm("embeddings.LayerNorm", words[ids] + places[: len(ids)] + types[0])
    for i in range(N_LAYERS):
        name = f"encoder.layer.{i}"
        states = norm(f"{name}.attention.output.LayerNorm", states + attend(f"{name}.attention", states))
        inner = gelu(dense(f"{name}.intermediate.dense", states))
        states = norm(f"{name}.output.LayerNorm", states + dense(f"{name}.output.dense", inner))
    return states.mean(axis=0)
