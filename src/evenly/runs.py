"""Which artifacts a run uses: a small JSON file a run in the store, so that none of them is cleared away.

::

    STORE/runs/<run>.json    format version, flow, title, state, when, its process, and "<stage>/<key>" of each artifact

The record is written when a run begins and again with every artifact that it builds or reuses, while the artifact's
lock is held: whoever clears a store (`evenly.upkeep.collect`) sees it. Names are relative to the store, which can be
moved. A record says when and where, so it is no artifact and no part of one.
"""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from evenly.errors import StoreError, StoreUnreachableError
from evenly.liveness import ProcessMark, is_known_dead, mark_process
from evenly.workspace import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Share = Callable[[str, str], None]

__all__ = ["RUNS_FOLDER", "RunRecord", "note_use", "parse_record", "read_record", "read_records", "recording"]

RUNS_FOLDER = "runs"
FORMAT_VERSION = 1
State = Literal["running", "done", "failed", "interrupted"]


@dataclass(frozen=True)
class RunRecord:
    """What ``runs/<run>.json`` says.

    Attributes
    ----------
    run
        Its name: that of the Prefect run where there is one.
    flow, title
        What was run, and on what: the source's name.
    state
        As the record was written last; `current_state` knows of processes that died.
    started, ended
        ISO 8601, UTC; `ended` is None while it runs.
    process
        Who runs it.
    artifacts
        ``<stage>/<key>`` of every artifact it built or reused.
    figures
        What it found, such as the measures of the model.
    """

    run: str
    flow: str
    title: str
    state: State
    started: str
    ended: str | None
    process: ProcessMark
    artifacts: tuple[str, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def current_state(self) -> State:
        """`state`, or ``interrupted`` where its process is known to be dead."""
        return "interrupted" if self.state == "running" and is_known_dead(self.process) else self.state


class Recording:
    """The record of a run under way."""

    def __init__(self, root: Path, record: RunRecord, share: Share | None = None) -> None:
        """Write the record for the first time; `share` is told its run and text whenever it is written."""
        self.root = root
        self.record = record
        self._share = share
        self._write()

    def add(self, stage: str, key: str) -> None:
        """Say that the run uses an artifact."""
        name = f"{stage}/{key}"
        if name not in self.record.artifacts:
            self._change(artifacts=(*self.record.artifacts, name))

    def add_figures(self, figures: dict[str, Any]) -> None:
        """Keep what the run found: plain JSON."""
        self._change(figures=self.record.figures | figures)

    def end(self, state: State) -> None:
        """Say how it ended."""
        self._change(state=state, ended=_now())

    def _change(self, **fields: Any) -> None:
        self.record = replace(self.record, **fields)
        self._write()

    def _write(self) -> None:
        folder, text = self.root / RUNS_FOLDER, json.dumps(asdict(self.record), indent=1) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / f"{self.record.run}.json", text)
        except OSError as error:
            raise StoreError(
                f"Cannot write to the store {self.root}: {error.strerror or error}. "
                f"It must be a folder that you may write to; give another with --store DIR."
            ) from error
        if self._share is not None:
            self._share(self.record.run, text)


_current: ContextVar[Recording | None] = ContextVar("evenly_recording", default=None)


@contextmanager
def recording(
    root: Path, flow: str, title: str, run: str | None = None, share: Share | None = None
) -> Iterator[Recording]:
    """Record what the body uses of the store at `root`; within such a body, of the same store: go on with its record.

    Parameters
    ----------
    root
        The store.
    flow, title, run
        As `RunRecord` has them; a name is made where there is none.
    share
        Told the run and the text of its record whenever it is written: to keep it elsewhere, too.
    """
    outer = _current.get()
    if outer is not None and outer.root == root:
        yield outer
        return
    name = run or uuid.uuid4().hex[:12]
    found = Recording(root, RunRecord(name, flow, title, "running", _now(), None, mark_process()), share)
    token = _current.set(found)
    try:
        yield found
    except Exception:
        with suppress(StoreUnreachableError):  # most likely what is being raised
            found.end("failed")
        raise
    except BaseException:
        with suppress(StoreUnreachableError):
            found.end("interrupted")
        raise
    else:
        found.end("done")
    finally:
        _current.reset(token)


def note_use(root: Path, stage: str, key: str) -> None:
    """Add an artifact of the store at `root` to the record of the run under way, if there is one."""
    found = _current.get()
    if found is not None and found.root == root:
        found.add(stage, key)


def read_records(root: Path) -> list[RunRecord]:
    """Return the records of a store, the newest first.

    Raises
    ------
    StoreError
        One cannot be read, so that it is not known what its run needs.
    """
    found = [_read(path) for path in (root / RUNS_FOLDER).glob("*.json")]
    return sorted(found, key=lambda record: (record.started, record.run), reverse=True)


def read_record(root: Path, run: str) -> RunRecord | None:
    """Return the record of one run, or None where there is none."""
    path = root / RUNS_FOLDER / f"{run}.json"
    return _read(path) if path.is_file() else None


def _read(path: Path) -> RunRecord:
    try:
        return parse_record(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path} is not a record of a run that can be read: {error!r}. Remove it.") from error


def parse_record(text: str, place: str) -> RunRecord:
    """Return what the text of a record says.

    Raises
    ------
    StoreError
        It is none, or one of another format; the message names its `place`.
    """
    try:
        fields = json.loads(text)
        if fields["format_version"] != FORMAT_VERSION:
            raise StoreError(
                f"{place} has format version {fields['format_version']}; this evenly reads {FORMAT_VERSION}."
            )
        process, artifacts = ProcessMark(**fields.pop("process")), tuple(map(str, fields.pop("artifacts")))
        return RunRecord(process=process, artifacts=artifacts, **fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{place} is not a record of a run that can be read: {error!r}. Remove it.") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
