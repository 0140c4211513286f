"""The run config: every setting, its default, its unit and where the default comes from.

This module alone holds defaults. A config is a YAML file; unknown keys are refused, every refusal names the field,
what it got and what it takes. Paths are relative to the file they stand in.
"""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ByteSize, ConfigDict, Field, ValidationError, model_validator

from evenly.config_yaml import parse_yaml
from evenly.errors import ConfigError, SourceNotFoundError, nearest
from evenly.mirror.address import check_url, is_url

__all__ = [
    "ChecksConfig",
    "CompareConfig",
    "ExecutorConfig",
    "HandoffConfig",
    "LabelsConfig",
    "ResampleConfig",
    "RunConfig",
    "SourceConfig",
    "SplitConfig",
    "TokenizeConfig",
    "TrainConfig",
    "WeightsConfig",
    "load_config",
]

Share = Annotated[float, Field(gt=0, lt=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class LabelsConfig(_Section):
    """Where the labels of a row stand."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # names such as 0 and 1 need no quotes

    columns: tuple[str, ...] = Field(min_length=1, description="One column, or the one-hot columns.")
    format: Literal["auto", "single", "delimited", "list", "onehot", "fractions"] = Field(
        "auto",
        description="single: one name a cell; delimited: names joined by `delimiter`; list: a JSON list or an Arrow "
        "list; onehot: a 0/1 column a label; fractions: a column a label, the share of annotators who gave it, or one "
        "column of objects of name and share.",
    )
    delimiter: str | None = Field(None, min_length=1, description="Between names; found by looking where null.")
    threshold: float = Field(0.5, gt=0, le=1, description="fractions: a row holds the labels that reach it.")
    rename: dict[str, str] = Field({}, description="Old name to new; two names with the same new one are merged.")
    drop: tuple[str, ...] = Field((), description="Labels (by their new names) that are taken off the rows.")
    min_count: int = Field(1, ge=1, description="Labels with fewer rows, in all files, are taken off the rows.")
    unlabelled: Literal["auto", "keep", "reject"] = Field(
        "auto",
        description="Rows without a label. auto: a blank cell is rejected, an empty list or a row of zeros kept. keep: "
        "all of them, as a row of zeros (not with one label a row). reject: all of them. A row that `drop` and "
        "`min_count` leave without a label: auto: rejected where every row has one label, else kept.",
    )
    task: Literal["auto", "binary", "multiclass", "multilabel"] = Field(
        "auto", description="auto: found from the labels, and said."
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_one_name(cls, value: Any) -> Any:
        return {**value, "columns": [value["columns"]]} if _is_text(value, "columns") else value


class SourceConfig(_Section):
    """The raw table."""

    files: tuple[str, ...] = Field(
        (), description="Paths, globs (**: folders of any depth) or URLs (s3://, https://, ...), in order."
    )
    storage_options: dict[str, Any] = Field(
        {}, description="Of the URLs' file system, as fsspec takes them; $NAME is taken from the environment."
    )
    dataset: str | None = Field(
        None,
        description="Instead of files: a Hugging Face data set, a folder of save_to_disk or a hub name. Where it has "
        "several splits, they are the column `split`.",
    )
    subset: str | None = Field(None, description="Of a data set with several configurations: which one.")
    revision: str | None = Field(None, description="Of a hub name: a commit, for runs that can be repeated.")
    database: str | None = Field(
        None,
        description="Instead of files, with `query`: a connection string such as sqlite:///file.db or "
        "postgresql://host/db; $NAME is taken from the environment.",
    )
    query: str | None = Field(None, description="The SQL whose rows are the table; give it an ORDER BY.")
    format: Literal["auto", "csv", "tsv", "jsonl", "json", "parquet", "arrow", "excel"] = Field(
        "auto", description="auto: by the file name."
    )
    sheet: str | None = Field(None, description="Excel: its name; null: the first one.")
    encoding: str = Field("auto", description="Text files: auto (UTF-8, UTF-16, cp1252, latin-1) or a Python codec.")
    on_bad_bytes: Literal["reject", "replace"] = Field(
        "reject", description="Rows with bytes that the encoding does not have; replace: kept, with U+FFFD there."
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="CSV: found by looking where null.")
    quote: str | None = Field(
        None, max_length=1, description="CSV: found by looking where null; '' where quotes are part of the text."
    )
    header: bool | None = Field(None, description="CSV: whether the first line has names; null: found by looking.")
    unescape_html: bool = Field(default=False, description="Turn &amp; and the like in texts into characters.")
    unicode: Literal["as_is", "NFC", "NFKC"] = Field("as_is", description="Unicode normal form of the texts.")
    text: tuple[str, ...] = Field(min_length=1, description="Text columns, joined by the tokenizer's separator.")
    labels: LabelsConfig
    group: str | None = Field(None, description="Rows with the same value stay in one split.")
    split: str | None = Field(None, description="A column that already says train, validation or test.")
    keep: tuple[str, ...] = Field((), description="Columns carried along as they are.")
    partition_rows: int = Field(50_000, ge=1_000, le=5_000_000, description="Rows a part; bounds memory.")

    @model_validator(mode="before")
    @classmethod
    def _accept_one_name(cls, value: Any) -> Any:
        single = {name: [value[name]] for name in ("files", "text", "keep") if _is_text(value, name)}
        return {**value, **single} if single else value

    @model_validator(mode="after")
    def _name_one_source(self) -> SourceConfig:
        given = [name for name in ("files", "dataset", "database") if getattr(self, name)]
        if len(given) != 1:
            named = " and ".join(given) or "none"
            raise ValueError(f"one of files, dataset and database says where the rows come from; given: {named}")
        if (self.database is None) != (self.query is None):
            raise ValueError("database and query go together: a connection string and the SQL to run there")
        return self


class ChecksConfig(_Section):
    """What is looked for in the texts before they are split."""

    near_duplicates: float | None = Field(
        None,
        ge=0.5,
        lt=1,
        description="Jaccard similarity of the words from which two texts count as one, such as 0.8: kept in one "
        "split. null: only equal texts.",
    )
    on_conflict: Literal["keep", "drop", "first"] = Field(
        "keep",
        description="Rows of one text with different labels. drop: none of them is used; first: those that differ "
        "from the first row are not used. They stay in the table, in no split.",
    )


class SplitConfig(_Section):
    """Shares of the rows; stratified by label, rows of one text kept together."""

    train: Share = Field(0.70, description="Share of the rows.")
    validation: Share = Field(0.15, description="Share of the rows; thresholds and early stopping use it.")
    test: Share = Field(0.15, description="Share of the rows; read once, at the end.")
    order: Literal[1, 2] = Field(1, description="Multi-label: 1 stratifies labels, 2 pairs of labels too.")
    by: str | None = Field(
        None, description="A column of times: the oldest rows train, the newest test, whatever their labels."
    )
    folds: int | None = Field(
        None, ge=3, le=100, description="Instead of shares: equal folds; `fold` is test, the next one validation."
    )
    fold: int = Field(0, ge=0, description="With folds: which one is test.")

    @model_validator(mode="after")
    def _sum_to_one(self) -> SplitConfig:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:  # noqa: PLR2004 - what rounding in a YAML file may leave
            raise ValueError(f"train + validation + test must be 1, and are {total:g}")
        if self.folds is not None and self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}, and there are {self.folds} folds: 0 to {self.folds - 1}")
        if self.folds is not None and self.by is not None:
            raise ValueError("folds and by exclude each other: folds take rows of all times")
        return self


class WeightsConfig(_Section):
    """Weights by which rare labels count for more. Defaults by measurement (docs/explanations/over-sampling.md)."""

    scheme: Literal["auto", "none", "balanced", "inverse_sqrt", "effective"] = Field(
        "auto",
        description="auto: sqrt((N-c)/c) for multi-label, inverse square root for multiclass, none for binary, and "
        "none where a resampling is named (one remedy at a time).",
    )
    beta: float = Field(0.999, gt=0, lt=1, description="effective (Cui et al. 2019): between .9 and .9999.")
    sample: Literal["none", "max", "mean", "min_count"] = Field(
        "none",
        description="Multi-label: a weight a row from those of its labels, beside the loss. Never the product.",
    )
    cap: float = Field(50.0, ge=1, description="Largest weight.")


class ResampleConfig(_Section):
    """The plan of copies and synthetic rows of the train split."""

    method: Literal[
        "none",
        "random_over",
        "random_under",
        "lp_ros",
        "lp_rus",
        "ml_ros",
        "ml_rus",
        "mlsmote",
        "mlsol",
        "remedial",
        "ml_enn",
        "ml_tl",
        "remedial_hwr",
        "smote",
        "borderline_smote",
        "adasyn",
        "smote_enn",
        "smote_tomek",
        "near_miss",
        "tomek_links",
        "edited_nearest_neighbours",
        "repeated_edited_nearest_neighbours",
        "all_knn",
        "one_sided_selection",
        "neighbourhood_cleaning_rule",
        "condensed_nearest_neighbour",
        "instance_hardness_threshold",
    ] = Field(
        "none",
        description="Off unless asked for: measure it with your data first. random_over and random_under for any "
        "table; lp_ to remedial_hwr for several labels a row; from smote on, imbalanced-learn's for one label a row.",
    )
    target_ir: float | None = Field(
        10.0, ge=1, description="Bring the IRLbl of every label to at most this. null: the method's own rule."
    )
    n_samples: int | None = Field(None, ge=0, description="In place of target_ir: rows to add (or remove).")
    ratio: float | None = Field(None, ge=0, le=100, description="In place of target_ir: the same as a share of rows.")
    max_copies: int | None = Field(
        10, ge=1, le=1_000, description="Most times that one row may stand in the train split."
    )
    max_growth: float | None = Field(
        0.5, gt=0, le=100, description="Most rows added or removed, as a share of the train rows."
    )
    features: str | None = Field(
        None,
        description="A column of the source that holds a list of numbers a row, such as an embedding, to look for "
        "neighbours in. null: TF-IDF of the texts.",
    )
    embeddings: bool = Field(
        default=False,
        description="Look for neighbours in the vectors of train.checkpoint, which are then made before the plan.",
    )
    k_neighbors: int = Field(5, ge=1, le=100, description="mlsmote, mlsol: neighbours within the label's rows.")
    labels: Literal["weighted", "ranking", "union", "intersection"] = Field(
        "weighted",
        description="mlsmote: weighted: of the two parents, by share; else of the seed and its neighbours.",
    )
    ranking_ties: Literal["drop", "half"] = Field(
        "drop", description="labels: ranking: whether half of the rows is enough (half: as Mulan has it)."
    )
    realise: Literal["splice", "duplicate"] = Field(
        "splice", description="Synthetic rows: a text made of both parents, or the seed's text again."
    )
    seed: int | None = Field(None, ge=0, lt=2**32, description="Of every draw; null: the run's seed.")

    @model_validator(mode="before")
    @classmethod
    def _let_an_amount_stand_alone(cls, value: Any) -> Any:
        """An amount that is given takes the place of the default target."""
        if isinstance(value, dict) and any(value.get(name) is not None for name in ("n_samples", "ratio")):
            return {"target_ir": None, **value}
        return value

    @model_validator(mode="after")
    def _state_one_amount(self) -> ResampleConfig:
        given = [name for name in ("target_ir", "n_samples", "ratio") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given; each alone says how much: leave one")
        if self.embeddings and self.features is not None:
            raise ValueError("features and embeddings are given; each alone says where neighbours are: leave one")
        return self


class TokenizeConfig(_Section):
    """From text to ids."""

    tokenizer: str | None = Field(
        None,
        description="A folder or a hub name for AutoTokenizer; null: one trained on the train split.",
    )
    revision: str | None = Field(None, description="Of a hub name: a commit, for runs that can be repeated.")
    kind: Literal["wordpiece", "bpe", "unigram"] = Field(
        "wordpiece", description="Of a trained tokenizer. bpe: byte-level, no text is unknown to it."
    )
    vocabulary_size: int = Field(
        8_000, ge=200, le=500_000, description="Of a trained tokenizer; bpe: at least 300, for 256 are its bytes."
    )
    lowercase: bool = Field(default=True, description="Of a trained tokenizer.")
    max_length: int = Field(256, ge=4, le=1_000_000, description="Ids a row; what becomes of longer ones: truncate.")
    truncate: Literal["head", "tail", "head_tail", "windows"] = Field(
        "head",
        description="What is kept of a longer text; head_tail: a quarter of the ids from its beginning, three quarters "
        "from its end (Sun et al. 2019); windows: all of it, as several rows with its labels and weight.",
    )
    stride: int = Field(
        0, ge=0, description="truncate: windows: ids that a window shares with the one before it, as in tokenizers."
    )
    join: Literal["separator", "columns"] = Field(
        "separator",
        description="Several text columns. separator: one row of ids, as the tokenizer joins pairs ([CLS] a [SEP] b "
        "[SEP]); columns: input_ids_<column> for each, for models of your own with several inputs.",
    )
    special_tokens: Literal["text", "control"] = Field(
        "text", description="A text that spells [SEP] or </s>. text: these characters; control: the special token."
    )
    engine: Literal["auto", "tokenizers", "nanotoken", "gigatoken"] = Field(
        "auto",
        description="What encodes. auto: nanotoken (WordPiece) or gigatoken (BPE) where it is installed (evenly[fast]) "
        "and gives the ids of tokenizers on a sample of the table, else tokenizers.",
    )
    shard_bytes: ByteSize = Field(
        ByteSize(64 * 2**20), ge=2**20, le=2**31, description="Size of a file of token ids: 64MiB."
    )

    @model_validator(mode="after")
    def _hold_the_bytes(self) -> TokenizeConfig:
        if self.kind == "bpe" and self.vocabulary_size < 300:  # noqa: PLR2004 - 256 bytes and special tokens
            raise ValueError(f"vocabulary_size is {self.vocabulary_size}, and kind bpe takes at least 300")
        return self

    @model_validator(mode="after")
    def _move_on(self) -> TokenizeConfig:
        if self.stride >= self.max_length:
            raise ValueError(f"stride is {self.stride}, and must be less than max_length, {self.max_length}")
        if self.stride and self.truncate != "windows":
            raise ValueError(f"stride is {self.stride}, and only truncate: windows has one, not {self.truncate}")
        return self


class TrainConfig(_Section):
    """The model and its training. Defaults by measurement (docs/explanations/over-sampling.md)."""

    model: Literal["auto", "tfidf", "bow", "cnn", "bilstm", "transformer", "pretrained", "custom"] = Field(
        "auto",
        description="auto: tfidf up to 200,000 rows and 300 labels, else bow. tfidf: TF-IDF of words and of strings "
        "of three to five characters, a logistic regression and a hidden layer; bow: mean of the embeddings; cnn: "
        "windows of three to five tokens; bilstm, transformer (from scratch): for a GPU; pretrained: an encoder that "
        "has read much before, see `checkpoint`; custom: your "
        "own, see `build`.",
    )
    checkpoint: str | None = Field(
        None,
        description="pretrained: a folder or a hub name of a BERT, DistilBERT, RoBERTa or XLM-RoBERTa: config.json, "
        "*.safetensors, and its tokenizer, which the run then takes.",
    )
    revision: str | None = Field(
        None, description="Of a hub name in `checkpoint`: a commit, for runs that can be repeated."
    )
    trainable: str = Field(
        "none",
        pattern=r"^(none|all|last_[1-9]\d*)$",
        description="pretrained. none: a head on vectors that are made once, for all strategies and seeds: no GPU is "
        "needed; all: every weight; last_2: of the last two layers, or of another number.",
    )
    build: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="custom: module:function, which Python can import; it takes a Spec (evenly.train.models.spec) and "
        "returns a Keras model from ids to logits.",
    )
    loss: Literal[
        "auto",
        "cross_entropy",
        "focal",
        "class_balanced",
        "asymmetric",
        "logit_adjusted",
        "distribution_balanced",
        "negative_tolerant",
    ] = Field(
        "auto",
        description="auto: cross_entropy, with the weights of the run. focal: too; the others weigh by themselves. "
        "logit_adjusted: one label a row; asymmetric: not with several classes; the last two: several labels a row.",
    )
    focal_gamma: float | None = Field(
        None,
        ge=0,
        le=10,
        description="How much less easy rows count; null: 2 for focal, distribution_balanced and negative_tolerant, "
        "0 (no such factor) for the others.",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="How far targets are moved from 0 and 1.")
    embedding_size: int = Field(128, ge=1, le=4_096, description="Numbers a token.")
    hidden_size: int = Field(
        128, ge=1, le=8_192, description="tfidf: hidden units; cnn: filters; bilstm: of the LSTM and the layer above."
    )
    n_layers: int = Field(2, ge=1, le=48, description="transformer: layers.")
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of the features that a step leaves out; null: .5 tfidf and a head on vectors, else .2.",
    )
    epochs: int = Field(30, ge=1, le=10_000, description="At most.")
    patience: int = Field(5, ge=1, description="Epochs without a better validation measure before it stops.")
    batch_size: int | None = Field(
        None, ge=1, le=65_536, description="null: 32, and 128 above 10,000 rows (tfidf: 2,000)."
    )
    accumulate: int = Field(
        1, ge=1, le=65_536, description="Parts that a batch is worked through in: less memory, the result of the whole."
    )
    learning_rate: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Of Adam; null: 5e-3 bow and a head on the vectors of up to 2,000 rows, 3e-3 cnn and bilstm, "
        "5e-5 an encoder that is trained, 1e-3 the others.",
    )
    warmup_steps: int | None = Field(
        None,
        ge=0,
        description="Steps until the learning rate is reached; null: 100 transformer and trained encoders, else 0.",
    )
    decay: Literal["none", "linear", "cosine"] = Field(
        "none", description="Of the learning rate, down to 0 at the last of `epochs`."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 on GPUs made for it (compute capability 8), else float32."
    )
    xla: bool = Field(default=False, description="Compile with XLA; anew for every width of batch.")
    devices: int | None = Field(
        None, ge=1, le=64, description="GPUs that share each batch, the result of one; null: all that there are."
    )
    thresholds: Literal["label", "global"] = Field(
        "label",
        description="Several labels a row, tuned on validation. label: one a label, for macro-F1; global: one for all, "
        "for micro-F1.",
    )
    target_precision: float | None = Field(
        None, gt=0, le=1, description="Thresholds find the most that can be found at this precision; null: the best F1."
    )
    logit_adjustment: bool = Field(
        default=False,
        description="One of many classes a row: apply the tau tuned on validation; lifts rare classes, costs micro-F1.",
    )
    baseline: bool = Field(default=True, description="Train TF-IDF with logistic regression beside it.")
    seed: int | None = Field(
        None, ge=0, lt=2**32, description="Of the first weights and the order of the rows; null: the run's seed."
    )

    @model_validator(mode="after")
    def _name_what_custom_is(self) -> TrainConfig:
        if (self.model == "custom") != (self.build is not None):
            raise ValueError("model: custom and build go together: build says which function makes the model")
        return self

    @model_validator(mode="after")
    def _name_what_was_pretrained(self) -> TrainConfig:
        if (self.model == "pretrained") != (self.checkpoint is not None):
            raise ValueError(
                "model: pretrained and checkpoint go together: checkpoint is a folder or a hub name such as "
                "sentence-transformers/all-MiniLM-L6-v2"
            )
        if self.model != "pretrained" and self.trainable != "none":
            raise ValueError(f"trainable is {self.trainable}, and only model: pretrained has what it names")
        return self


class CompareConfig(_Section):
    """What `evenly compare` sets side by side: on the same rows, split, tokens, model and budget."""

    strategies: dict[str, dict[str, Any] | None] | None = Field(
        None,
        description="Name to settings (weights.*, resample.*, train.*) that go over no weights, no resampling and the "
        "plain loss; null: evenly's own of that name. Or a list of names of evenly's own: none, weights, loss, over, "
        "and mlsmote (several labels a row) or smote (one). null: all of these.",
    )
    seeds: int = Field(3, ge=1, le=100, description="Models a strategy; train.seed and resample.seed count up.")
    metric: str | None = Field(
        None,
        description="What decides, such as f1_macro, f1_micro or pr_auc_macro, on test. null: macro-F1, and for "
        "binary the F1 of the rare class.",
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_names(cls, value: Any) -> Any:
        names = value.get("strategies") if isinstance(value, dict) else None
        return {**value, "strategies": dict.fromkeys(names)} if isinstance(names, list | tuple) else value


class ExecutorConfig(_Section):
    """Where partitions are worked on."""

    kind: Literal["local", "dask"] = Field("local", description="local: spawned processes; dask: your cluster.")
    workers: int | None = Field(None, ge=1, le=1_024, description="local: null: as many as cores.")
    address: str | None = Field(None, description="dask: the scheduler, such as tcp://host:8786.")
    memory_limit: ByteSize = Field(
        ByteSize(2**30), description="Of all workers together while files are read: 1GiB. dask: of each of them."
    )
    timeout_s: float | None = Field(
        None, gt=0, description="Seconds that a stage may take before it is stopped. null: as many as it needs."
    )


class HandoffConfig(_Section):
    """Who trains on what a Prefect run has prepared."""

    kind: Literal["process", "deployment", "event"] = Field(
        "process",
        description="process: `pipeline` trains itself, in a process of this machine. deployment: `prepare` and "
        "`pipeline` start a run of `deployment`. event: they only tell that the data set is ready "
        "(evenly.dataset.ready); prefect.yaml has the trigger that trains then.",
    )
    deployment: str = Field("train/gpu", pattern=r"^[^/]+/[^/]+$", description="deployment: FLOW/NAME.")
    wait: bool = Field(default=True, description="deployment: until it has ended; it fails where training fails.")
    timeout_s: float | None = Field(None, gt=0, description="deployment: seconds to wait at most. null: no limit.")


class RunConfig(_Section):
    """Everything that a run needs."""

    source: SourceConfig
    checks: ChecksConfig = ChecksConfig()
    split: SplitConfig = SplitConfig()
    weights: WeightsConfig = WeightsConfig()
    resample: ResampleConfig = ResampleConfig()
    tokenize: TokenizeConfig = TokenizeConfig()
    train: TrainConfig = TrainConfig()
    compare: CompareConfig = CompareConfig()
    executor: ExecutorConfig = ExecutorConfig()
    handoff: HandoffConfig = HandoffConfig()
    store: str = Field(
        "evenly-store",
        description="Folder of the artifacts, or a URL without credentials in it, such as s3://bucket/prefix.",
    )
    store_cache: str | None = Field(
        None,
        description="Where this machine keeps its part of a store that is a URL; null: $EVENLY_CACHE, else evenly in "
        "the user's cache folder.",
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Of every random choice.")

    @model_validator(mode="after")
    def _read_as_the_checkpoint_does(self) -> RunConfig:
        checkpoint, tokenizer = self.train.checkpoint, self.tokenize.tokenizer
        if checkpoint is not None and tokenizer not in {None, checkpoint}:
            raise ValueError(
                f"tokenize.tokenizer is {tokenizer!r} and train.checkpoint {checkpoint!r}: an encoder knows the ids of "
                f"its own tokenizer alone; leave tokenize.tokenizer out"
            )
        if checkpoint is not None and self.tokenize.join == "columns":
            raise ValueError("tokenize.join is columns, and train.model: pretrained reads one list of ids: separator")
        if self.resample.embeddings and checkpoint is None:
            raise ValueError("resample.embeddings needs train.model: pretrained and train.checkpoint, which makes them")
        return self


def load_config(path: Path | str, overrides: dict[str, Any] | None = None) -> RunConfig:
    """Read a YAML config and lay flat overrides over it.

    Parameters
    ----------
    path
        The file; `source.files`, folders, an SQLite file and `store` are relative to it.
    overrides
        Dotted names to values, for example ``{"train.epochs": 3}``.

    Raises
    ------
    SourceNotFoundError
        There is no such file.
    ConfigError
        It is not YAML, or a field is unknown, missing or out of range.
    """
    path = Path(path)
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceNotFoundError(
            f"Cannot read the config {path}: {error.strerror}. Write one with: evenly init TABLE -o {path}"
        ) from error
    except ValueError as error:  # not UTF-8, too
        raise ConfigError(f"{path} is not YAML that can be read: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds {type(raw).__name__}, expected sections such as 'source:' and 'train:'.")
    for name, value in (overrides or {}).items():
        _set(raw, name, value)
    try:
        config = RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(_explain(detail) for detail in error.errors())}") from error
    return _anchor(config, path.parent)


def _set(raw: dict[str, Any], name: str, value: Any) -> None:
    *sections, field = name.split(".")
    for section in sections:
        inner = raw.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {name}: {section!r} is a value, not a section.")
        raw = inner
    raw[field] = value


def _explain(detail: Any) -> str:
    """Turn one pydantic complaint into a sentence with field, value and what is allowed."""
    where = ".".join(str(part) for part in detail["loc"]) or "the config"
    if detail["type"] == "extra_forbidden":
        known = _known_fields(detail["loc"][:-1])
        return f"unknown setting {where!r}{nearest(str(detail['loc'][-1]), known)} Known here: {', '.join(known)}"
    if detail["type"] == "missing":
        return f"{where} is missing"
    message = detail["msg"].removeprefix("Value error, ")
    given = "" if isinstance(detail["input"], dict | BaseModel) else f" is {_clipped(detail['input'])}"
    return f"{where}{given}: {message[0].lower() + message[1:]}"


def _clipped(value: Any) -> str:
    """Return the repr of what was given; of what is long, its beginning and its end."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = shortener.maxlong = 200
    return shortener.repr(value)


def _known_fields(location: tuple[int | str, ...]) -> list[str]:
    model: Any = RunConfig
    for part in location:
        model = model.model_fields[part].annotation
    return list(model.model_fields)


def _anchor(config: RunConfig, folder: Path) -> RunConfig:
    """Make the paths of a config relative to the folder it stands in."""
    source = config.source
    places: dict[str, Any] = {"files": tuple(name if _is_url(name) else str(folder / name) for name in source.files)}
    if source.dataset is not None and (folder / source.dataset).is_dir():
        places["dataset"] = str(folder / source.dataset)
    if source.database is not None:
        places["database"] = _anchor_sqlite(source.database, folder)
    tokenizer, checkpoint = (
        str(folder / name) if name is not None and (folder / name).is_dir() else name
        for name in (config.tokenize.tokenizer, config.train.checkpoint)
    )
    return config.model_copy(
        update={
            "source": source.model_copy(update=places),
            "tokenize": config.tokenize.model_copy(update={"tokenizer": tokenizer}),
            "train": config.train.model_copy(update={"checkpoint": checkpoint}),
            # Checked here and not by pydantic, whose message would show what is secret in it.
            "store": check_url(config.store) if is_url(config.store) else str(folder / config.store),
            "store_cache": config.store_cache and str(folder / config.store_cache),
        }
    )


def _is_url(name: str) -> bool:
    """Return whether a source is behind a URL (or a chain of them, as zip://a.csv::https://...)."""
    return "://" in name or "::" in name


def _anchor_sqlite(database: str, folder: Path) -> str:
    dialect, slashes, name = database.partition(":///")
    relative = dialect.split("+")[0] == "sqlite" and name and not name.startswith(("/", ":"))
    return f"{dialect}{slashes}{folder.absolute() / name}" if relative else database


def _is_text(value: Any, name: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(name), str)
