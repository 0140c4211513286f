"""A whole run made by hand: small artifacts of every stage in the documented formats, in a real store.

The labels fall off like 1/rank, the "model" finds frequent ones more often than rare ones; nothing is trained.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from evenly.formats import LABELS_TYPE, SPLITS, label_lists, write_json
from evenly.report import REPORT
from evenly.store import Artifact, Stage, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from evenly.workspace import Workspace

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "__proto__",
    "right\N{RIGHT-TO-LEFT OVERRIDE}tfel",
    "{{ 7 * 7 }}",
    "</style></title>&amp;",
    "nul\x00 bell\x07 line\nbreak",
)

SETTINGS = {"seed": 3, "tokenize": {"tokenizer": "/home/someone/bert"}}


@dataclass
class Run:
    """What a made-up run is like; `build` writes its artifacts and the report."""

    task: str = "multilabel"
    n_labels: int = 5
    n_rows: int = 300
    method: str = "mlsmote"
    first_names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    overrides: dict[str, Callable[[Path], None]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [*self.first_names, *(f"Label {at}" for at in range(len(self.first_names), self.n_labels))]

    def build(self, store: Store, title: str = "reviews.csv") -> dict[str, Artifact]:
        """Return every artifact by its stage."""
        self.labels = self._draw_labels()
        self.code = np.arange(self.n_rows) % 7
        self.code = np.where(self.code < 5, 0, self.code - 4).astype(np.int8)
        made: dict[str, Artifact] = {}
        steps: list[tuple[str, Callable[[Workspace], None], tuple[str, ...], dict[str, Any]]] = [
            ("table", self._table, (), {"text": ["title", "text"], "labels": {"columns": ["genre"]}}),
            ("checks", self._checks, ("table",), {"near_duplicates": 0.8, "on_conflict": "keep"}),
            ("split", self._split, ("table",), {"train": 0.7, "validation": 0.15, "test": 0.15, "seed": 3}),
            ("stats", self._stats, ("table", "split"), {}),
            ("weights", self._weights, ("table", "split"), {"scheme": "auto", "cap": 50.0}),
            ("plan", self._plan, ("table", "split"), {"method": self.method, "target_ir": 10.0, "seed": 3}),
            ("shards", self._shards, ("table", "split"), {"max_length": 256, "tokenizer": "/home/someone/secret/bert"}),
            ("model", self._model, ("table", "plan", "shards"), {"model": "bow", "seed": 3}),
        ]
        for name, fill, inputs, params in steps:
            made[name] = self._make(store, name, fill, {each: made[each] for each in inputs}, params)
        made["report"] = store.build(REPORT, params={"title": title, "settings": SETTINGS}, inputs=dict(made))
        return made

    def _make(
        self,
        store: Store,
        name: str,
        fill: Callable[[Workspace], None],
        inputs: dict[str, Artifact],
        params: dict[str, Any],
    ) -> Artifact:
        def run(work: Workspace, **_given: Any) -> None:
            fill(work)
            if name in self.overrides:
                self.overrides[name](work.out)

        return store.build(Stage(name, 1, run), params=params, inputs=inputs)

    def _draw_labels(self) -> sparse.csr_matrix:
        odds = 1 / np.arange(1, self.n_labels + 1)
        if self.task == "multilabel":
            drawn = self.rng.random((self.n_rows, self.n_labels)) < 0.6 * odds
            drawn[np.arange(self.n_labels) % self.n_rows, np.arange(self.n_labels)] = True
        else:
            classes = self.rng.choice(self.n_labels, self.n_rows, p=odds / odds.sum())
            drawn = np.eye(self.n_labels, dtype=bool)[classes]
        return sparse.csr_matrix(drawn.astype(np.int8))

    @property
    def train(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.code == 0)

    def _table(self, work: Workspace) -> None:
        texts = [self.texts[at] if at < len(self.texts) else _prose(at) for at in range(self.n_rows)]
        pq.write_table(
            pa.table(
                {
                    "row": np.arange(self.n_rows),
                    "title": [f"Title {at}" for at in range(self.n_rows)],
                    "text": texts,
                    "labels": label_lists(self.labels),
                }
            ),
            work.out / "part-00000.parquet",
        )
        counts = np.asarray(self.labels.sum(axis=0)).ravel().astype(np.int64)
        ids = np.arange(self.n_labels, dtype=np.int32)
        pq.write_table(pa.table({"id": ids, "name": self.names, "count": counts}), work.out / "labels.parquet")
        rejects = {
            "file": ["reviews.csv"] * 3,
            "line": pa.array([17, 40, None], pa.int64()),
            "column": pa.array([None, "genre", "text"], pa.string()),
            "reason": ["the row has 4 columns instead of 3", "no label", "no label"],
            "raw": ["a,b,c,<script>alert(3)</script>", "x,,y", ""],
        }
        pq.write_table(pa.table(rejects), work.out / "rejects.parquet")
        work.record(
            rows=self.n_rows,
            task=self.task,
            text_columns=["title", "text"],
            rows_read=self.n_rows + 3,
            rows_kept=self.n_rows,
            rows_rejected=3,
            dialects=[
                {
                    "file": "reviews.csv",
                    "format": "csv",
                    "encoding": "cp1252",
                    "delimiter": ";",
                    "quote": '"',
                    "header": True,
                }
            ],
        )
        work.note(f"The labels are {self.task}: found from the column 'genre'.")

    def _checks(self, work: Workspace) -> None:
        own = np.arange(self.n_rows)
        words = (10 + own % 90).astype(np.int32)
        columns = dict.fromkeys(("row", "same_text", "near_text", "same_group"), own)
        lengths = {"characters": words * 6, "words": words, "used": np.ones(self.n_rows, np.bool_)}
        pq.write_table(pa.table(columns | lengths), work.out / "rows.parquet")
        text = self.texts[0] if self.texts else _prose(0)
        write_json(work.out / "checks.json", made_up_findings(text, self.names))

    def _split(self, work: Workspace) -> None:
        split = pa.array([SPLITS[code] for code in self.code])
        rows = np.arange(self.n_rows)
        pq.write_table(pa.table({"row": rows, "split": split, "unit": rows}), work.out / "split.parquet")
        placed = [np.asarray(self.labels[self.code == code].sum(axis=0)).ravel() for code in range(len(SPLITS))]
        columns = {
            "id": np.arange(self.n_labels, dtype=np.int32),
            "name": self.names,
            "count": np.sum(placed, axis=0),
            **dict(zip(SPLITS, placed, strict=True)),
            "unused": np.zeros(self.n_labels, np.int64),
            "guarantee": [""] * (self.n_labels - 1) + ["no row in test: its 3 rows have one text"],
        }
        pq.write_table(pa.table(columns), work.out / "labels.parquet")
        quality = {
            "label_distribution": 0.01,
            "label_pair_distribution": 0.02,
            "examples_distribution": 1.5,
            "how": "iterative",
            "n_duplicate_rows": 4,
            "n_guarantees_unmet": 1,
            "guarantees_unmet": [{"label": self.names[-1], "why": "no row in test: its 3 rows have one text"}],
            "n_leaked_rows": 0,
        }
        write_json(work.out / "quality.json", quality)

    def _stats(self, work: Workspace) -> None:
        write_json(work.out / "summary.json", {"train": {"n_labelsets": 37, "n_labelsets_once": 12}})

    def _weights(self, work: Workspace) -> None:
        ids = np.arange(self.n_labels, dtype=np.int32)
        ones = np.ones(self.n_labels)
        columns = {"id": ids, "name": self.names, "class_weight": ones, "pos_weight": np.sqrt(1.0 + ids)}
        pq.write_table(pa.table(columns), work.out / "labels.parquet")

    def _plan(self, work: Workspace) -> None:
        rare = np.asarray(self.labels[self.train].tocsc()[:, self.n_labels // 2 :].sum(axis=1)).ravel() > 0
        copies = np.ones(len(self.train), np.int32)
        made = np.empty(0, np.int64)
        if self.method != "none":
            copies[rare] = 2
            made = self.train[rare][:40]
        pq.write_table(pa.table({"row": self.train, "copies": copies}), work.out / "plan.parquet")
        pq.write_table(self._synthetic(made), work.out / "synthetic.parquet")
        reasons = [None] * (self.n_labels - 1) + [None if self.method == "none" else "max_growth reached"]
        ids = np.arange(self.n_labels, dtype=np.int32)
        pq.write_table(pa.table({"id": ids, "reason": pa.array(reasons, pa.string())}), work.out / "labels.parquet")
        work.record(rows=int(copies.sum()) + len(made), method=self.method)

    def _synthetic(self, seeds: NDArray[np.int64]) -> pa.Table:
        references = self.train[(np.searchsorted(self.train, seeds) + 1) % len(self.train)]
        served = [int(self.labels[seed].indices.max()) for seed in seeds]
        return pa.table(
            {
                "row": self.n_rows + np.arange(len(seeds)),
                "seed_row": seeds,
                "reference_row": references,
                "share": np.full(len(seeds), 0.35),
                "label": pa.array(served, pa.int32()),
                "title": pa.array([f"Title {seed}" for seed in seeds], pa.string()),
                "text": pa.array([_splice(s, r) for s, r in zip(seeds, references, strict=True)], pa.string()),
                "labels": label_lists(self.labels[seeds]).cast(LABELS_TYPE),
            }
        )

    def _shards(self, work: Workspace) -> None:
        write_json(work.out / "dataset_dict.json", {"splits": list(SPLITS)})
        work.note("2 of 300 texts were longer than 256 tokens and were cut.")

    def _model(self, work: Workspace) -> None:
        pq.write_table(
            pa.concat_tables([self._scores("validation"), self._scores("test")]), work.out / "per_label.parquet"
        )
        names = ["f1_macro", "f1_micro", "pr_auc_macro", "accuracy", "hamming_loss"]
        names += ["f1_positive", "precision_positive", "recall_positive", "pr_auc_positive"]
        levels = {"test": 0.61, "validation": 0.64, "baseline": 0.57, "baseline_prior": 0.08}
        metrics = {
            f"{where}/{name}": level + 0.01 * at for where, level in levels.items() for at, name in enumerate(names)
        }
        write_json(work.out / "metrics.json", metrics | {"test/n_rows": 43})
        self._quality(work.out, names)
        epochs = range(1, 13)
        history = [
            {
                "epoch": epoch,
                "loss": 1 / epoch,
                "val_loss": 0.4 + (epoch - 7) ** 2 / 90,
                "pr_auc": 1 - 0.9 / epoch,
                "val_pr_auc": 0.6 - (epoch - 7) ** 2 / 200,
            }
            for epoch in epochs
        ]
        write_json(work.out / "history.json", history)
        write_json(
            work.out / "verdict.json",
            [
                "The model finds most documents of frequent labels and few of the rarest ones.",
                "It beats TF-IDF with logistic regression in macro-F1, 0.610 to 0.570.",
                "Its 43 test documents are few: a difference under 0.05 may be chance.",
            ],
        )
        work.record(rows=self.n_rows, best_epoch=7, positive=self.names[-1] if self.task == "binary" else None)

    def _quality(self, out: Path, names: list[str]) -> None:
        """Write intervals, thresholds, curves, calibration and errors."""
        spans = {name: [0.55, 0.67] for name in names}
        intervals = {"level": 0.95, "unit": "rows", "n_units": 43, "n_resamples": 1000, "n_area_resamples": 200}
        gap = {name: [0.04, -0.02, 0.1] for name in names}
        write_json(out / "intervals.json", intervals | {"test": spans, "baseline": spans, "difference": gap})
        if self.task == "multiclass":
            offer = {"tau": 0.6, "f1_macro_argmax": 0.5, "f1_macro": 0.56, "f1_micro_argmax": 0.8, "f1_micro": 0.78}
            rule: dict[str, Any] = {"rule": "argmax", "tau": 0.0, "logit_adjustment_offer": offer}
        else:
            label = {"name": "x", "threshold": 0.3125, "source": "label", "validation_positives": 9}
            labels = [label | {"id": at} for at in range(self.n_labels - 1)]
            labels.append(label | {"id": self.n_labels - 1, "source": "global"})
            rule = {"rule": "score >= threshold", "target_precision": None, "global": 0.25, "labels": labels}
            rule |= {"positive": self.names[-1]} if self.task == "binary" else {}
        write_json(out / "thresholds.json", {"task": self.task} | rule)
        pq.write_table(
            pa.concat_tables([self._curve(source) for source in ("model", "baseline")]), _at(out, "pr_curves")
        )
        bins = [
            {"from": 0.0, "to": 0.066667, "n": 900, "mean_score": 0.02, "share_right": 0.01},
            {"from": 0.8, "to": 0.866667, "n": 60, "mean_score": 0.83, "share_right": 0.6},
        ]
        change = {"before": {"ece_micro": 0.12, "ece_macro": 0.1}, "after": {"ece_micro": 0.03, "ece_macro": 0.04}}
        offer = {"temperature": 1.8, "applied": False, "validation": change, "test": change}
        write_json(out / "calibration.json", {"bins": {"validation": bins, "test": bins}, "offer": offer})
        pq.write_table(self._errors(), _at(out, "errors"))

    def _curve(self, source: str) -> pa.Table:
        ids = [None, *range(self.n_labels)]
        recall = [0.25, 0.5, 1.0]
        columns = {
            "source": [source] * len(ids) * 3,
            "id": pa.array([number for number in ids for _ in recall], pa.int32()),
            "threshold": pa.array([0.9, 0.5, 0.1] * len(ids), pa.float32()),
            "precision": [0.9, 0.8 if source == "model" else 0.6, 0.3] * len(ids),
            "recall": recall * len(ids),
        }
        return pa.table(columns)

    def _errors(self) -> pa.Table:
        test = np.flatnonzero(self.code == SPLITS.index("test"))
        kinds = ["false alarm"] * self.n_labels + ["miss"] * self.n_labels
        ids = [*range(self.n_labels)] * 2
        rows = [int(test[at % len(test)]) for at in range(len(ids))]
        scores = [0.99 - 0.5 * at / len(ids) if kind == "false alarm" else 0.01 for at, kind in enumerate(kinds)]
        columns = {"kind": kinds, "id": pa.array(ids, pa.int32()), "row": rows, "score": pa.array(scores, pa.float32())}
        return pa.table(columns)

    def _scores(self, split: str) -> pa.Table:
        held = self.labels[np.flatnonzero(self.code == SPLITS.index(split))]
        positives = np.asarray(held.sum(axis=0)).ravel().astype(np.int64)
        skill = 0.9 - 0.8 * np.arange(self.n_labels) / max(1, self.n_labels)
        hits = np.floor(positives * skill).astype(np.int64)
        given = hits + np.ceil(positives * 0.3).astype(np.int64) * (hits > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            precision = np.where(given > 0, hits / given, 0.0)
            recall, f1 = hits / positives, 2 * hits / (positives + given)
        groups = np.array(["head", "medium", "tail"])[np.minimum(2, 3 * np.arange(self.n_labels) // self.n_labels)]
        missing = positives == 0
        measures = {"precision": precision, "recall": recall, "f1": f1, "pr_auc": skill, "roc_auc": skill}
        return pa.table(
            {
                "id": np.arange(self.n_labels, dtype=np.int32),
                "name": self.names,
                "split": [split] * self.n_labels,
                "positives": positives,
                "predicted": given,
                "tp": hits,
                "fp": given - hits,
                "fn": positives - hits,
                "tn": len(held.indptr) - 1 - given - (positives - hits),
                "f1_low": pa.array(np.maximum(f1 - 0.1, 0), mask=missing),
                "f1_high": pa.array(np.minimum(f1 + 0.1, 1), mask=missing),
                **{name: pa.array(values, mask=missing) for name, values in measures.items()},
                "threshold": pa.array([None if self.task == "multiclass" else 0.3125] * self.n_labels, pa.float64()),
                "group": groups.tolist(),
            }
        )


def made_up_findings(text: str, names: list[str]) -> list[dict[str, Any]]:
    """Return findings of every shape that `evenly.inspect` documents."""
    first, last = names[0], names[-1]
    held = {"n_rows": 2, "rows": [3, 8], "text": text, "labels": [[first], [first, last]]}
    found = [
        ("duplicate_texts", "Repeated texts", 4, "note", {"n_distinct": 296}, held),
        ("conflicting_labels", "One text, different labels", 2, "warning", {"n_unused": 0}, held),
        (
            "near_duplicates",
            "Nearly the same text",
            6,
            "note",
            {"threshold": 0.8},
            held | {"texts": [text, f"{text}!"], "similarity": 0.91},
        ),
        ("text_is_label", "Texts that are their label", 0, "ok", {}, None),
        (
            "label_spellings",
            "Labels spelt in several ways",
            9,
            "warning",
            {},
            {"n_rows": 9, "rows": [1], "spellings": [{"label": first, "rows": 8}, {"label": first.upper(), "rows": 1}]},
        ),
        (
            "splits_share_texts",
            "Texts in two given splits",
            2,
            "warning",
            {"given": True},
            held | {"splits": ["train", "test"]},
        ),
        ("long_texts", "Very long texts", 1, "note", {"limit": 1000, "median": 50}, held | {"words": [2400, 2400]}),
    ]
    return [
        {
            "name": name,
            "title": title,
            "sentence": f"{rows} rows: {title.lower()}, such as {text[:20]!r}." if rows else "None.",
            "rows": rows,
            "cases": min(rows, 1),
            "severity": severity,
            **more,
            "examples": [example] if example else [],
        }
        for name, title, rows, severity, more, example in found
    ]


def _at(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"


def _prose(row: int) -> str:
    nouns = ("village", "detective", "orchard", "spaceship", "violin", "harbour", "teacher")
    return (
        f"In a small {nouns[row % 7]} by the sea, a {nouns[(row + 3) % 7]} learns what it means to stay. "
        f"Number {row} of a quiet series. The {nouns[(row + 5) % 7]} waits until spring."
    )


def _splice(seed: int, reference: int) -> str:
    first, second = _prose(seed).split(". "), _prose(reference).split(". ")
    return ". ".join([first[0], second[1], first[2]])


@pytest.fixture(scope="session")
def build_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Artifact]]:
    """Return a function that builds a run (the fields of `Run`) in a store of its own.

    What was built once is handed out again, for drawing a report takes seconds; not where it is `fresh` or overridden.
    """
    built: dict[str, dict[str, Artifact]] = {}

    def build(title: str = "reviews.csv", *, fresh: bool = False, **fields: Any) -> dict[str, Artifact]:
        key = repr((title, sorted(fields.items())))
        if key in built and not fresh and "overrides" not in fields:
            return built[key]
        built[key] = Run(**fields).build(Store(tmp_path_factory.mktemp("store")), title)
        return built[key]

    return build


@pytest.fixture(scope="session")
def hostile_names() -> tuple[str, ...]:
    """Return label names that try to break out of a page."""
    return HOSTILE
