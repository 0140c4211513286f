"""The folder of a model, opened: texts in, an Arrow table of labels and probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evenly.errors import DataError, SourceNotFoundError
from evenly.ingest.texts import TextRules, clean_text
from evenly.prediction.answers import Answers
from evenly.prediction.model_files import read_decision, read_names
from evenly.tokenize.encoder import Encoder
from evenly.tokenize.engine_check import choose_engine
from evenly.tokenize.layout import choose_layout
from evenly.tokenize.nasty import pick_nasty
from evenly.tokenize.vocabulary import read_vocabulary
from evenly.train.evaluation.windows import mean_by_row
from evenly.train.reading import Reading, read_reading
from evenly.train.saved_network import open_scorer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from evenly.tokenize.engines import Engine
    from evenly.tokenize.layout import Layout
    from evenly.tokenize.vocabulary import Vocabulary
    from evenly.train.evaluation.decisions import Decision
    from evenly.train.saved_network import Scorer

__all__ = ["TrainedModel", "open_model", "predict"]

_PARTS = ("model.keras", "labels.json", "thresholds.json", "tokenizer/tokenizer.json")
_SAMPLE_OF_A_KIND = 32


def predict(
    model: Path | str, texts: Sequence[str] | Mapping[str, Sequence[str]], *, top: int | None = None
) -> pa.Table:
    """Return what a model says about some texts.

    Parameters
    ----------
    model
        Folder of a model.
    texts
        Texts, or for a model of several text columns a list for each, by its name.
    top
        Probabilities of so many labels a text, the likeliest; None: of all, and of 50 where there are more.

    Returns
    -------
    pyarrow.Table
        A row a text: `labels` (list of names: those that the tuned thresholds let through), `probabilities` (map of
        name to probability, the likeliest first). ``to_pandas()`` makes a frame of it.

    Raises
    ------
    SourceNotFoundError, DataError, MissingExtraError
        The folder is no model, or TensorFlow is not there; the columns are not those of the model.
    """
    opened = open_model(model)
    columns = dict(texts) if isinstance(texts, dict) else {opened.reading.text[0]: texts}
    missing = [name for name in opened.reading.text if name not in columns]
    if missing:
        raise DataError(
            f"The model reads the columns {', '.join(map(repr, opened.reading.text))}, and {missing[0]!r} is not given."
            f" Give a dict of column and texts."
        )
    return opened.answer([pa.array(list(columns[name]), pa.string()) for name in opened.reading.text], top=top)


def open_model(model: Path | str) -> TrainedModel:
    """Open the folder of a model: an artifact of a store, or a copy of it anywhere.

    Raises
    ------
    SourceNotFoundError
        It is no model's folder, or not whole.
    DataError
        A file of it is damaged, they are not of one model, or the saved network cannot be opened.
    MissingExtraError
        TensorFlow is not installed.
    """
    folder = Path(model)
    for name in _PARTS:
        if not (folder / name).is_file():
            raise SourceNotFoundError(
                f"{folder} is not a model of evenly: it has no {name}. Give the folder that `evenly run` names, or a "
                f"copy of it."
            )
    reading = read_reading(folder)
    names = read_names(folder / "labels.json")
    vocabulary = read_vocabulary(folder / "tokenizer", special_tokens=reading.special_tokens)
    layout = choose_layout(vocabulary, reading.columns, join=reading.join, separator=reading.separator)
    decision = read_decision(folder / "thresholds.json", len(names))
    scorer = open_scorer(folder / "model.keras", reading.pad_id)
    if scorer.n_labels != len(names):
        raise DataError(
            f"{folder / 'model.keras'} gives {scorer.n_labels} probabilities a text, and labels.json names "
            f"{len(names)} labels: they are not of one model. Copy the model's folder anew."
        )
    return TrainedModel(reading, names, decision, vocabulary, layout, scorer)


@dataclass(frozen=True)
class TrainedModel:
    """A model that can be asked.

    Attributes
    ----------
    reading
        How it reads texts.
    names
        Of the labels, by id.
    decision
        From probabilities to labels.
    vocabulary, layout, scorer
        What makes ids of texts, and probabilities of ids.
    """

    reading: Reading
    names: tuple[str, ...]
    decision: Decision
    vocabulary: Vocabulary
    layout: Layout
    scorer: Scorer

    def answer(
        self, texts: Sequence[pa.StringArray], *, top: int | None = None, engine: Engine | None = None
    ) -> pa.Table:
        """Return labels and probabilities of rows whose texts are given column by column; see `predict`."""
        scores = self.score(texts, engine=engine)
        return Answers(self.names, top)(scores, self.decision.predict(scores))

    def score(self, texts: Sequence[pa.StringArray], *, engine: Engine | None = None) -> NDArray[np.float32]:
        """Return the probabilities, shape (n_rows, n_labels): of a row of several windows their mean."""
        rules = TextRules(self.reading.unescape_html, self.reading.unicode)
        cleaned = [pc.fill_null(clean_text(column, rules)[0], "") for column in texts]
        if not len(cleaned[0]):
            return np.empty((0, len(self.names)), np.float32)
        encode = self._encoder(engine or self.open_engine(cleaned))
        batch = pa.record_batch(cleaned, names=list(self.reading.columns))
        encoded = {name: encode(self.layout.texts(batch, columns)) for name, columns in self.layout.fields}
        scores = self.scorer({name: each.ids for name, each in encoded.items()})
        n_windows = next(iter(encoded.values())).n_windows
        if len(scores) == len(n_windows):
            return scores
        return mean_by_row(np.repeat(np.arange(len(n_windows)), n_windows), scores)[1]

    def open_engine(self, texts: Sequence[pa.StringArray], n_bytes: int | None = None) -> Engine:
        """Return what encodes: a fast engine where `n_bytes` of text are worth it and it gives the same ids here."""
        sample = pa.concat_arrays([pick_nasty(each, self.vocabulary.special, _SAMPLE_OF_A_KIND) for each in texts])
        size = sum(each.nbytes for each in texts) if n_bytes is None else n_bytes
        return choose_engine(self.vocabulary, "auto", sample, size).open(self.vocabulary.content_json)

    def _encoder(self, engine: Engine) -> Encoder:
        how = self.reading
        return Encoder(
            engine,
            self.layout.template,
            self.vocabulary.id_type,
            how.max_length,
            how.truncate,
            how.stride,
        )
