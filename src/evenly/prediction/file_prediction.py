"""Files in, one file of predictions out, streamed: memory holds a batch, whatever the size of the table.

The output appears when it is whole, with the rejects beside it; read = predicted + rejected is checked.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from evenly.errors import ConfigError, DataError, StoreError
from evenly.ingest.files import find_raw_files
from evenly.prediction.answers import ANSWER_SCHEMA, Answers
from evenly.prediction.output_files import check_output, open_output, rejects_path
from evenly.prediction.source_rows import SourceRows
from evenly.prediction.trained_model import open_model
from evenly.progress import Advanced, Finished, Started, emit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenly.prediction.output_files import Output
    from evenly.prediction.trained_model import TrainedModel
    from evenly.tokenize.engines import Engine

__all__ = ["Predicted", "predict_files"]

_STAGE = "predict"


@dataclass(frozen=True)
class Predicted:
    """What became of the rows.

    Attributes
    ----------
    rows_read, rows_predicted
        Counts; the rest was rejected.
    reasons
        Rejects by reason.
    target, rejects
        The files; `rejects` is None where there are none.
    """

    rows_read: int
    rows_predicted: int
    target: Path
    rejects: Path | None
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def rows_rejected(self) -> int:
        """Rows that stand in the file of rejects."""
        return sum(self.reasons.values())


def predict_files(
    model: Path | str,
    files: Sequence[Path | str],
    target: Path | str,
    *,
    text: Sequence[str] = (),
    keep: Sequence[str] = (),
    top: int | None = None,
    force: bool = False,
) -> Predicted:
    """Write what a model says about every row of some files.

    Parameters
    ----------
    model
        Folder of a model.
    files
        Of any format that evenly reads; labels are not needed.
    target
        Ends in .parquet, .jsonl or .csv. Columns: `file` (where there are several), `row` (its number among the rows
        that could be read, from 0), the kept columns, `labels`, `probabilities`. What cannot be read goes to
        ``<name>.rejects.<ending>`` with file, line, column, reason and the raw text.
    text
        Text columns, where they are called otherwise than in training, in that order.
    keep
        Columns that are carried along.
    top
        As in `evenly.prediction.predict`.
    force
        Write over a file that is there.

    Raises
    ------
    SourceNotFoundError, ColumnNotFoundError, DataError
        A file or a column is not there, or no row can be read.
    ConfigError, StoreError
        The target cannot be written, or kept columns have names that are taken.
    """
    target = Path(target)
    check_output(target, force=force)
    _refuse_taken(keep)
    started = time.perf_counter()
    emit(Started(_STAGE))
    opened = open_model(model)
    columns = tuple(text) or opened.reading.text
    if len(columns) != len(opened.reading.text):
        raise ConfigError(
            f"The model reads {len(opened.reading.text)} text column(s) ({', '.join(opened.reading.text)}), and "
            f"{len(columns)} are named: {', '.join(columns)}."
        )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            found = _Run(opened, Answers(opened.names, top), columns, tuple(keep), Path(folder)).write(files, target)
    except OSError as error:
        if isinstance(error, StoreError) or error.filename is None:
            raise
        raise StoreError(f"Cannot write {target}: {error.strerror or error}. Give another place with -o.") from error
    seconds = time.perf_counter() - started
    emit(Finished(_STAGE, str(target), reused=False, why="", rows=found.rows_predicted, seconds=seconds, notes=()))
    return found


def _refuse_taken(keep: Sequence[str]) -> None:
    taken = [name for name in keep if name in ("file", "row", *ANSWER_SCHEMA.names)]
    if taken:
        raise ConfigError(
            f"The column {taken[0]!r} cannot be kept: predictions have a column of that name. Rename it in the table."
        )


@dataclass(frozen=True)
class _Run:
    """A prediction under way."""

    model: TrainedModel
    answers: Answers
    text: tuple[str, ...]
    keep: tuple[str, ...]
    folder: Path

    def write(self, files: Sequence[Path | str], target: Path) -> Predicted:
        raws = [raw for path in files for raw in find_raw_files(Path(path))]
        whole, refused = self.folder / "whole", self.folder / "refused"
        n_read, n_predicted, reasons = 0, 0, Counter[str]()
        engine: Engine | None = None
        with open_output(whole, target.suffix) as output, open_output(refused, target.suffix) as rejects:
            for number, raw in enumerate(raws):
                room = self.folder / f"room-{number}"
                room.mkdir()
                rows = SourceRows(raw, text=self.text, keep=self.keep, folder=room)
                for kept, texts in rows.batches():
                    engine = engine or self.model.open_engine(texts, n_bytes=_size(raw.path))
                    scores = self.model.score(texts, engine=engine)
                    answered = self.answers(scores, self.model.decision.predict(scores))
                    output.write(_side_by_side(kept, answered, raw.name if len(raws) > 1 else None))
                    n_predicted += len(kept)
                    emit(Advanced(_STAGE, number, len(raws), "files", f"{n_predicted:,} rows"))
                found = self._reject(rows, rejects, room / "rejects.arrow")
                n_diverted = sum(found.values()) - rows.n_textless
                n_read += rows.n_delivered + n_diverted
                reasons.update(found)
        if n_read != n_predicted + reasons.total():
            raise DataError(
                f"{n_read} rows were read, but {n_predicted} predicted and {reasons.total()} rejected. This is a "
                f"defect of evenly; please report it with the files."
            )
        if not n_predicted:
            why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "there is none"
            raise DataError(f"No row of {', '.join(raw.name for raw in raws)} can be predicted: {why}.")
        return self._publish(whole, refused, target, Predicted(n_read, n_predicted, target, None, dict(reasons)))

    def _reject(self, rows: SourceRows, output: Output, path: Path) -> dict[str, int]:
        reasons = rows.write_rejects(path)
        if reasons:
            with pa.memory_map(str(path)) as source:
                output.write(pa.ipc.open_file(source).read_all())
        return reasons

    def _publish(self, whole: Path, refused: Path, target: Path, found: Predicted) -> Predicted:
        """Move the files to their places; rejects of an earlier prediction do not stay."""
        place = rejects_path(target)
        if found.reasons:
            refused.replace(place)
        else:
            place.unlink(missing_ok=True)
        whole.replace(target)
        return Predicted(found.rows_read, found.rows_predicted, target, place if found.reasons else None, found.reasons)


def _side_by_side(kept: pa.Table, answered: pa.Table, file: str | None) -> pa.Table:
    columns = {name: kept[name] for name in kept.column_names} | {
        name: answered[name] for name in answered.column_names
    }
    if file is not None:
        columns = {"file": pa.array([file] * len(kept), pa.string())} | columns
    return pa.table(columns)


def _size(path: Path) -> int:
    return path.stat().st_size
