"""The stages `embeddings` and `synthetic_embeddings`: a vector of each distinct text, made once.

Comes in: token shards (of a table, or of the synthetic rows of a plan), the tokenizer they are of, and the encoder.
Goes out: ``vectors.npy``, float32, shape (n_distinct, n_features), and ``rows.parquet``, which vector each stored row
has. Every strategy, seed and head on the same shards takes the same vectors; another plan encodes only its own
synthetic rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evenly.errors import ConfigError
from evenly.formats import read_facts
from evenly.isolation import run_isolated
from evenly.manifest import read_manifest
from evenly.store import Stage
from evenly.train.encoders.backbone import require_keras_hub
from evenly.train.encoders.distinct import find_distinct
from evenly.train.encoders.encoding import EncodingJob, encode_parts, part_file
from evenly.train.fit import require_tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from evenly.workspace import Workspace

__all__ = ["EMBEDDINGS", "SYNTHETIC_EMBEDDINGS", "check_ids", "embed_shards", "embed_synthetic"]


def embed_shards(work: Workspace, *, shards: Path, tokenizer: Path, encoder: Path) -> None:
    """Write the vectors of the texts of shards.

    Parameters
    ----------
    work
        Where to write.
    shards, tokenizer, encoder
        Artifacts.

    Raises
    ------
    MissingExtraError
        TensorFlow or KerasHub is not installed.
    ConfigError
        The ids are not of the encoder's vocabulary, or rows may have more of them than the encoder reads.
    """
    check_ids(tokenizer, encoder, shards)
    texts = find_distinct(shards)
    n_distinct, n_stored = len(texts.length), len(texts.row)
    _write_vectors(work, shards, encoder, n_distinct)
    columns = {"row": texts.row, "vector": texts.vector}
    pq.write_table(pa.table(columns), work.out / "rows.parquet", compression="zstd")
    work.record(rows=n_stored, n_distinct=n_distinct, n_features=read_facts(encoder)["n_features"])
    if n_stored:
        work.note(f"{n_distinct:,} distinct texts of {n_stored:,} were encoded")


def embed_synthetic(work: Workspace, *, synthetic: Path, tokenizer: Path, encoder: Path) -> None:
    """Write the vectors of the synthetic rows of a plan; there may be none. See `embed_shards`."""
    embed_shards(work, shards=synthetic, tokenizer=tokenizer, encoder=encoder)


def check_ids(tokenizer: Path, encoder: Path, shards: Path) -> None:
    """Raise where an encoder cannot read what a tokenizer writes, here or of texts to be predicted.

    Parameters
    ----------
    tokenizer, encoder, shards
        Artifacts; how long rows may be is a parameter of the shards.

    Raises
    ------
    ConfigError
        The vocabulary is another one, or rows may be too long.
    """
    ids, facts = read_facts(tokenizer), read_facts(encoder)
    if ids["vocabulary_size"] > facts["vocabulary_size"]:
        raise ConfigError(
            f"The tokenizer has {ids['vocabulary_size']:,} tokens and the encoder knows {facts['vocabulary_size']:,}: "
            f"they are not of one checkpoint. Leave tokenize.tokenizer out: it is that of train.checkpoint."
        )
    longest = read_manifest(shards).params["max_length"]
    if longest > facts["max_length"]:
        raise ConfigError(
            f"tokenize.max_length is {longest:,}, and the encoder reads at most {facts['max_length']:,} ids. Set it to "
            f"that, and tokenize.truncate: windows where the rest of a longer text counts."
        )


def _write_vectors(work: Workspace, shards: Path, encoder: Path, n_distinct: int) -> None:
    n_features = read_facts(encoder)["n_features"]
    folder = work.scratch / "parts"
    folder.mkdir(exist_ok=True)
    if n_distinct:
        require_tensorflow()
        require_keras_hub()
        run_isolated(encode_parts, EncodingJob(encoder, shards, folder, work.stage))
    vectors = np.lib.format.open_memmap(work.out / "vectors.npy", "w+", np.float32, (n_distinct, n_features))
    first = number = 0
    while first < n_distinct:
        part = np.load(part_file(folder, number))
        vectors[first : first + len(part)] = part
        first, number = first + len(part), number + 1
    vectors.flush()


EMBEDDINGS = Stage("embeddings", 1, embed_shards)
SYNTHETIC_EMBEDDINGS = Stage("synthetic_embeddings", 1, embed_synthetic)
