"""A whole preparation by evenly, from a CSV to token shards, and where its time and memory go.

The table is that of a corpus (`benchmarks.corpus`, or a CSV of your own with the columns text and labels); the
tokenizer is given, as a folder, to evenly and to what it is measured beside. Resampling is MLSMOTE to an IRLbl of 10,
its rows spliced.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.corpus import write_corpus
from benchmarks.harness import ROOT, family_cpu_s, family_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_LENGTH", "Measured", "measure_run", "write_inputs"]

MAX_LENGTH = 256
TRAINING_TEXTS, VOCABULARY = 20_000, 30_000
POLL_S = 0.05


@dataclass(frozen=True)
class Measured:
    """A stage as it ran.

    Attributes
    ----------
    seconds
        From the end of the stage before to its own.
    cpu_s
        Processor seconds of all processes.
    memory_mb
        The largest sum of the memory of all processes, without pages of mapped files.
    reused
        Whether it was there already.
    """

    seconds: float
    cpu_s: float
    memory_mb: float
    reused: bool


def write_inputs(folder: Path, rows: int, corpus: Path | None) -> None:
    """Write ``corpus.csv`` of so many rows, the tokenizer, and the config."""
    table = folder / "corpus.csv"
    if corpus is None:
        write_corpus(table, rows)
    else:
        with corpus.open("rb") as source, table.open("wb") as target:  # no cell of such a corpus holds a line break
            for _, line in zip(range(rows + 1), source, strict=False):
                target.write(line)
    _train_tokenizer(table, folder / "tokenizer")
    settings = {
        "source": {
            "files": str(table),
            "text": "text",
            "labels": {"columns": "labels", "format": "delimited", "delimiter": "|"},
        },
        "resample": {"method": "mlsmote", "target_ir": 10},
        "tokenize": {"tokenizer": str(folder / "tokenizer"), "max_length": MAX_LENGTH},
        "store": str(folder / "store"),
    }
    (folder / "config.yaml").write_text(json.dumps(settings))  # JSON is YAML


def _train_tokenizer(table: Path, folder: Path) -> None:
    """Train WordPiece on the first texts, in a process of its own: the trainer's threads and memory end with it."""
    script = (
        "import sys, pandas, transformers, tokenizers\n"
        "table, folder, n, size = sys.argv[1:]\n"
        "made = tokenizers.BertWordPieceTokenizer(lowercase=True)\n"
        "texts = pandas.read_csv(table, nrows=int(n))['text'].astype(str)\n"
        "made.train_from_iterator(texts, vocab_size=int(size), show_progress=False)\n"
        "special = dict(unk_token='[UNK]', sep_token='[SEP]', pad_token='[PAD]', cls_token='[CLS]', "
        "mask_token='[MASK]')\n"
        "transformers.PreTrainedTokenizerFast(tokenizer_object=made._tokenizer, **special).save_pretrained(folder)\n"
    )
    arguments = [str(table), str(folder), str(TRAINING_TEXTS), str(VOCABULARY)]
    subprocess.run([sys.executable, "-c", script, *arguments], check=True)  # noqa: S603 - ourselves


def measure_run(folder: Path, *settings: str, keep_store: bool = False) -> dict[str, Measured]:
    """Run ``evenly run config.yaml --until synthetic --no-prefect`` in a process of its own.

    Parameters
    ----------
    folder
        What `write_inputs` has filled.
    settings
        ``KEY=VALUE`` that go over the config.
    keep_store
        Whether what earlier runs have made may be reused.

    Returns
    -------
    dict
        By the name of the stage, in their order; ``start`` is from the start of the process to the first stage, and
        ``end`` from the last stage to the end.
    """
    if not keep_store:
        shutil.rmtree(folder / "store", ignore_errors=True)
    command = [sys.executable, "-m", "benchmarks.whole_run", str(folder / "config.yaml"), *settings]
    peak, found = [0.0], {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        last, used = time.perf_counter(), 0.0
        for event in _events(process):
            now, used_now = time.perf_counter(), family_cpu_s(process.pid)
            found[event["stage"]] = Measured(now - last, used_now - used, peak[0], event["reused"])
            last, used, peak[0] = now, used_now, 0.0
        watcher.join()
        found["end"] = Measured(time.perf_counter() - last, 0.0, peak[0], reused=False)
    if process.returncode:
        raise SystemExit("evenly failed; see above")
    return found


def _events(process: subprocess.Popen) -> Iterator[dict]:
    for line in process.stdout or ():
        yield json.loads(line)


def _watch(process: subprocess.Popen, peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], family_memory(process.pid))
        time.sleep(POLL_S)


def _main(config: str, *settings: str) -> None:
    """Prepare in this process, and tell what is done as lines of JSON."""
    from evenly.config import load_config
    from evenly.flows.steps import prepare_steps
    from evenly.flows.walk import walk_steps
    from evenly.progress import Finished, observing

    def tell(event: object) -> None:
        if isinstance(event, Finished):
            print(json.dumps({"stage": event.stage, "reused": event.reused}), flush=True)

    loaded = load_config(config, dict(setting.split("=", 1) for setting in settings))
    steps = prepare_steps(loaded)
    print(json.dumps({"stage": "start", "reused": False}), flush=True)
    with observing(tell):
        walk_steps(loaded, steps, {})


if __name__ == "__main__":
    _main(*sys.argv[1:])
