"""The card of a model: what it does, how well, made of what; Markdown with the metadata that Hugging Face reads.

Comes in: the folder of a model, which has all of it (``metrics.json``, ``intervals.json``, ``verdict.json``,
``thresholds.json``, ``lineage.json``, ``reading.json``). Goes out: ``README.md``, the name under which a hub looks for
the card. Names of labels and files are quoted as code, so that none of them can be mark-up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from evenly.errors import SourceNotFoundError
from evenly.train.lineage import LINEAGE_FILE, read_lineage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["CARD_FILE", "quote_code", "render_card", "write_card"]

CARD_FILE = "README.md"
_MOST_LABELS = 40
_METRICS = {
    "f1_positive": "F1 of the rare class",
    "f1_macro": "macro-F1",
    "f1_micro": "micro-F1",
    "f1_macro_head": "macro-F1, head labels",
    "f1_macro_medium": "macro-F1, medium labels",
    "f1_macro_tail": "macro-F1, tail labels",
    "pr_auc_positive": "PR-AUC of the rare class",
    "pr_auc_macro": "macro PR-AUC",
    "precision_macro": "macro precision",
    "recall_macro": "macro recall",
}
_TASKS = {
    "binary": ("text-classification", "one of two classes"),
    "multiclass": ("text-classification", "one of several classes"),
    "multilabel": ("text-classification", "any number of labels"),
}


def write_card(folder: Path) -> None:
    """Write ``README.md`` into the folder of a model."""
    (folder / CARD_FILE).write_text(render_card(folder), encoding="utf-8")


def render_card(folder: Path, *, license: str | None = None, language: str | None = None) -> str:  # noqa: A002 - the hub's word
    """Return the card of a model.

    Parameters
    ----------
    folder
        Of the model, or a copy of it.
    license, language
        For the metadata, in the words of Hugging Face: apache-2.0, en; None: left out.

    Raises
    ------
    SourceNotFoundError
        It is no model's folder.
    """
    if not (folder / LINEAGE_FILE).is_file():
        raise SourceNotFoundError(f"{folder} has no {LINEAGE_FILE}: give the folder of a model that evenly trained.")
    card = _Card(folder)
    metadata = card.metadata() | {
        name: value for name, value in (("license", license), ("language", language)) if value
    }
    head = yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)
    sections = (card.title(), card.results(), card.use(), card.data(), card.training(), card.limits(), card.lineage())
    return f"---\n{head}---\n\n" + "\n".join("\n".join(section) + "\n" for section in sections)


class _Card:
    """What the files of a model say."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = _read(folder, "labels.json")
        self.metrics: dict[str, float] = _read(folder, "metrics.json")
        self.intervals: dict[str, Any] = _read(folder, "intervals.json", {})
        self.verdict: list[str] = _read(folder, "verdict.json", [])
        self.rule: dict[str, Any] = _read(folder, "thresholds.json")
        self.reading: dict[str, Any] = _read(folder, "reading.json")
        self.history: list[dict[str, Any]] = _read(folder, "history.json", [])
        self.made: dict[str, Any] = read_lineage(folder)
        self.task: str = self.rule["task"]

    def artifact(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.made["artifacts"].get(name, {"params": {}, "facts": {}, "rows": None})
        return found

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of a hub; only measures that it has a name for."""
        task, _ = _TASKS[self.task]
        shown = {name: self.metrics.get(f"test/{name}") for name in ("f1_macro", "f1_micro")}
        measured = [
            {"type": "f1", "name": _METRICS[name], "value": round(value, 4)}
            for name, value in shown.items()
            if value is not None
        ]
        result = {
            "task": {"type": task},
            "dataset": {"name": ", ".join(self._sources()) or "table", "type": "tabular", "split": "test"},
            "metrics": measured,
        }
        tags = ["evenly", "class-imbalance", f"{self.task}-classification"]
        index = [{"name": "evenly", "results": [result]}]
        return {"library_name": "keras", "pipeline_tag": task, "tags": tags, "model-index": index}

    def title(self) -> Iterator[str]:
        _, gives = _TASKS[self.task]
        yield f"# Text classifier, {len(self.names):,} labels"
        yield ""
        yield (
            f"A Keras model trained by [evenly](https://pypi.org/project/evenly) that reads "
            f"{', '.join(map(quote_code, self.reading['text']))} and gives a text {gives}."
        )

    def results(self) -> Iterator[str]:
        yield "## Results on the test split"
        yield ""
        yield from (f"{_plain(sentence)}\n" for sentence in self.verdict[:2])
        yield "| metric | test | 95 % interval | TF-IDF + logistic regression | a constant answer |"
        yield "|---|---:|---:|---:|---:|"
        for name, title in _METRICS.items():
            if f"test/{name}" in self.metrics:
                others = [self.metrics.get(f"{source}/{name}") for source in ("baseline", "baseline_prior")]
                cells = [_score(self.metrics[f"test/{name}"]), self._interval(name), *map(_score, others)]
                yield f"| {title} | {' | '.join(cells)} |"
        yield ""
        yield (
            "Thresholds were tuned on the validation split; the test split was read once. Averages leave out labels "
            "that the split does not hold."
        )

    def _interval(self, name: str) -> str:
        found = self.intervals.get("test", {}).get(name)
        return "" if found is None else f"{_score(found[-2])} to {_score(found[-1])}"

    def use(self) -> Iterator[str]:
        columns = ", ".join(map(repr, self.reading["text"]))
        yield "## Use"
        yield ""
        yield "This folder stands alone: network, tokenizer, label names and thresholds are in it."
        yield ""
        yield "```python"
        yield "from evenly.prediction import predict"
        yield ""
        if len(self.reading["text"]) == 1:
            yield 'predict("path/to/this/folder", ["a text", "another text"]).to_pandas()'
        else:
            yield f"# a list of texts for each of {columns}".replace("\n", " ")
            yield 'predict("path/to/this/folder", {"column": ["a text"]}).to_pandas()'
        yield "```"
        yield ""
        yield "For tables of any size: `evenly predict path/to/this/folder TABLE -o predictions.parquet`."

    def data(self) -> Iterator[str]:
        table, split, plan = self.artifact("table"), self.artifact("split"), self.artifact("plan")
        facts, parts = table["facts"], split["facts"]
        yield "## Data"
        yield ""
        yield f"- Source: {', '.join(map(quote_code, self._sources())) or 'not named'}"
        if "rows_read" in facts:
            yield (
                f"- Rows: {facts['rows_read']:,} read, {facts['rows_kept']:,} kept, {facts['rows_rejected']:,} "
                f"rejected with a reason"
            )
        if "n_train" in parts:
            yield (
                f"- Split: {parts['n_train']:,} train, {parts['n_validation']:,} validation, {parts['n_test']:,} test "
                f"({parts.get('how', 'by evenly')}); rows of one text stay together; {parts.get('n_leaked_rows', 0):,} "
                f"rows have their like in another split"
            )
        yield f"- Resampling of the train split: {self._resampling(plan)}"
        yield f"- Weights: {quote_code(str(self.artifact('weights')['params'].get('scheme', 'none')))}"
        yield ""
        yield from self._labels()

    def _resampling(self, plan: Mapping[str, Any]) -> str:
        method = str(plan["params"].get("method", "none"))
        if method == "none":
            return "none"
        amounts = {name: plan["params"].get(name) for name in ("target_ir", "n_samples", "ratio", "seed")}
        stated = ", ".join(f"{name} {value}" for name, value in amounts.items() if value is not None)
        return f"{quote_code(method)} ({stated}); only train rows are parents of train rows"

    def _labels(self) -> Iterator[str]:
        counts = self.made["train_rows"]
        order = sorted(range(len(self.names)), key=lambda label: (-counts[label], label))
        left = len(order) - _MOST_LABELS
        yield "| label | train rows |"
        yield "|---|---:|"
        yield from (f"| {quote_code(self.names[label])} | {counts[label]:,} |" for label in order[:_MOST_LABELS])
        if left > 0:
            yield f"| {left:,} more, down to | {counts[order[-1]]:,} |"

    def training(self) -> Iterator[str]:
        tokens, ids = self.artifact("shards"), self.artifact("tokenizer")
        best = max((epoch.get("epoch", 0) for epoch in self.history), default=0)
        yield "## Training"
        yield ""
        yield f"- Tokens: at most {self.reading['max_length']} a row, {quote_code(str(self.reading['truncate']))}"
        yield f"- Vocabulary: {ids['facts'].get('vocabulary_size', 0):,} tokens"
        if "truncated_rows" in tokens["facts"]:
            yield f"- Rows that were longer: {tokens['facts']['truncated_rows']:.1%}"
        yield f"- Epochs trained: {best:g}; the weights of the best one on validation were kept"

    def limits(self) -> Iterator[str]:
        yield "## Limits"
        yield ""
        rest = self.verdict[2:] or ["No warning was raised when the model was judged."]
        yield from (f"- {_plain(sentence)}" for sentence in rest)

    def lineage(self) -> Iterator[str]:
        yield "## Lineage"
        yield ""
        yield "| artifact | rows | digest |"
        yield "|---|---:|---|"
        for name, found in self.made["artifacts"].items():
            rows = "" if found["rows"] is None else f"{found['rows']:,}"
            yield f"| {name} | {rows} | `{found['digest'][:16]}` |"
        raw = self.artifact("table").get("inputs", {}).get("files")
        if raw:
            yield f"| raw files | | `{raw[:16]}` |"

    def _sources(self) -> list[str]:
        return [str(each["file"]) for each in self.artifact("table")["facts"].get("dialects", [])]


def _read(folder: Path, name: str, default: Any = None) -> Any:
    path = folder / name
    if default is not None and not path.is_file():
        return default
    return json.loads(path.read_text(encoding="utf-8"))


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def quote_code(text: str) -> str:
    """Return text from outside as Markdown code that can stand in a table: nothing in it is mark-up."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    shown = shown.replace("|", "\\|")
    longest = run = 0
    for char in shown:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    if not longest:
        return f"`{shown}`" if shown.strip() else "` `"
    fence = "`" * (longest + 1)
    return f"{fence} {shown} {fence}"


def _plain(sentence: str) -> str:
    """Return a sentence, which may quote names, with what Markdown or HTML would read as mark-up escaped."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in sentence)
    return "".join(f"\\{char}" if char in _MARKUP else char for char in shown).replace("<", "&lt;")


_MARKUP: Sequence[str] = "\\`*_[]#!"
