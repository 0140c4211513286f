"""An executor whose workers share no folder with who sends the work: each has a cache of its own. And its stages."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError
from evenly.executor import InProcess
from evenly.store import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pytest

    from evenly.workspace import Workspace


class FarWorkers(InProcess):
    """Workers by turns, in this process: what they get and give is pickled, and EVENLY_CACHE is another one."""

    is_remote = True
    workers = 3

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        """Give them folders in `folder`."""
        super().__init__()
        self.folder, self.patch = folder, patch

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """Yield as an executor does."""
        sent = pickle.dumps(function)
        for index, item in enumerate(items):
            self.patch.setenv("EVENLY_CACHE", str(self.folder / f"worker-{index % 3}"))
            yield index, pickle.loads(pickle.dumps(pickle.loads(sent)(pickle.loads(pickle.dumps(item)))))  # noqa: S301


def write_numbered(work: Workspace, *, n: int) -> None:
    """Write numbered files, and one that all of them need."""
    for number in range(n):
        (work.out / f"part-{number:05d}.txt").write_text(f"part {number}\n")
    (work.out / "names.txt").write_text("names\n")


def copy_text(source: Path, folder: Path) -> str:
    """Write a file's text, what lies beside it, and where it lies as seen from its folder."""
    beside = sorted(path.name for path in source.parent.iterdir() if path.suffix == ".txt")
    (folder / source.name).write_text(source.read_text() + (source.parent / "names.txt").read_text())
    return f"{source.name} beside {','.join(beside)}"


def count_all(item: tuple[str, int], folder: Path, *, scratch: Path) -> list[str]:
    """Return what there is in a folder named by a string, and in the scratch folder."""
    (folder / f"{item[1]}.txt").write_text("".join(path.read_text() for path in sorted(Path(item[0]).glob("*.txt"))))
    return sorted(path.relative_to(scratch).as_posix() for path in scratch.rglob("*") if path.is_file())


def refuse(source: Path, folder: Path) -> None:
    """Find a file bad."""
    raise DataError(f"{source} is bad.")


def read_numbered(work: Workspace, *, parts: Path, raw: tuple[Path, ...]) -> None:
    """Take files of an artifact, of the way and from outside, in every form in which an item may name them."""
    names = [parts / f"part-{number:05d}.txt" for number in range(3)]
    beside = work.map(copy_text, names, name="copy", keep=False)
    (work.scratch / "own.txt").write_text("own\n")
    found = work.map(
        partial(count_all, scratch=work.scratch), [(str(work.scratch / "copy"), 0), (str(parts), 1)], name="count"
    )
    work.map(copy_text, [], name="nothing")
    lengths = work.map(measure, [*raw, *raw], name="raw")
    work.record(beside=beside, found=found, lengths=lengths)


def measure(path: Path, folder: Path) -> list[Any]:
    """Return the name and size of a file."""
    return [path.name, path.stat().st_size]


def refuse_numbered(work: Workspace, *, parts: Path) -> None:
    """Fail on a worker."""
    work.map(refuse, [parts / "part-00001.txt"], name="refuse")


NUMBERED = Stage("numbered", 1, write_numbered)
READING = Stage("reading", 1, read_numbered)
REFUSED = Stage("refused", 1, refuse_numbered)
