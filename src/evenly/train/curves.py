"""The curves of a training run, as TensorBoard reads them.

::

    LOGS/train/events...        batch_loss and learning_rate by steps, epoch_loss by epochs
    LOGS/validation/events...   epoch_<measure> by epochs: what the history has of validation

Such files hold times and the name of the machine, so that they lie beside the artifact, not in it. A run that goes on
repeats the steps since its checkpoint; what was written of them is read first and not written again. TensorBoard's own
`tf.summary.scalar` asks for the package tensorboard, which TensorFlow does without: the same event is written here.
Importing this module imports TensorFlow.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["Curves"]

_FLUSH_MS = 5_000
_OF_VALIDATION = "val_"


class Curves:
    """Writes the curves of one run."""

    def __init__(self, folder: Path | None, *, fresh: bool) -> None:
        """Write into `folder` (None: nowhere): with `fresh` in place of what is there, else after it."""
        self._writers: dict[str, Any] = {}
        self._last: dict[tuple[str, str], int] = {}
        if folder is None:
            return
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        for part in ("train", "validation"):
            for tag, step in _read_steps(folder / part):
                self._last[part, tag] = max(step, self._last.get((part, tag), step))
            self._writers[part] = tf.summary.create_file_writer(str(folder / part), flush_millis=_FLUSH_MS)

    def add_steps(self, step: int, *, loss: float, learning_rate: float) -> None:
        """Add the mean loss of the batches up to `step`, counted from 1 over all epochs, and the rate of the next."""
        self._add("train", "batch_loss", step, loss)
        self._add("train", "learning_rate", step, learning_rate)

    def add_epoch(self, entry: Mapping[str, float]) -> None:
        """Add an entry of the history; see `evenly.train.job.TrainResult`."""
        epoch = int(entry["epoch"])
        for name, value in entry.items():
            if name.startswith(_OF_VALIDATION):
                self._add("validation", f"epoch_{name.removeprefix(_OF_VALIDATION)}", epoch, value)
            elif name != "epoch":
                self._add("train", f"epoch_{name}", epoch, value)

    def flush(self) -> None:
        """Have all on disk, before a checkpoint says that it need not be repeated."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Write nothing more."""
        for writer in self._writers.values():
            writer.close()

    def _add(self, part: str, tag: str, step: int, value: float) -> None:
        if part not in self._writers or step <= self._last.get((part, tag), -1):
            return
        self._last[part, tag] = step
        with self._writers[part].as_default():
            tf.summary.write(tag, tf.constant(value, tf.float32), step=step, metadata=_scalar())


def _scalar() -> Any:
    """Return what says that a value is a point of a curve."""
    known = tf.compat.v1.SummaryMetadata
    return known(plugin_data=known.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR")


def _read_steps(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield tag and step of every value in the event files of a folder; the end that a kill has torn is passed over."""
    for path in sorted(folder.glob("events.out.tfevents.*")):
        try:
            for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                yield from ((value.tag, event.step) for value in event.summary.value)
        except tf.errors.DataLossError:
            continue
