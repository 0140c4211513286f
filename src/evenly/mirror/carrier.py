"""Partitions handed to workers that share no folder with this process, through the URL of the store.

What workers need is sent there, by content; what they write they leave there, and it is fetched here as they come to
an end, so that a build is resumed, digested and read as any other. The bytes are those of a build without workers.
"""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from evenly.errors import EvenlyError, StoreUnreachableError
from evenly.manifest import find_damage, refuse_outside_names
from evenly.mirror.far_partition import VIEW, Task, run_far
from evenly.mirror.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from evenly.executor import Executor
    from evenly.manifest import Manifest
    from evenly.mirror.far_partition import Answer
    from evenly.mirror.objects import Objects

__all__ = ["WORK_PREFIX", "Carrier"]

WORK_PREFIX = ".work"


class Carrier:
    """Carries the partitions of one build."""

    def __init__(
        self,
        objects: Objects,
        *,
        build: Path,
        skipped: tuple[str, ...],
        artifacts: Mapping[Path, Manifest],
        files: Sequence[Path],
    ) -> None:
        """Take what the build works in and with; see `evenly.mirror.packing.Packer`."""
        self._objects = objects
        self._session = f"{WORK_PREFIX}/{uuid.uuid4().hex}"
        self._packer = Packer(objects, self._session, build=build, skipped=skipped, artifacts=artifacts, files=files)

    @property
    def sent(self) -> Mapping[str, str]:
        """What is behind the URL already: object by digest."""
        return self._packer.sent

    def map(
        self, executor: Executor, function: Callable[[Any, Path], Any], items: Sequence[Any], under_way: Path
    ) -> Iterator[tuple[int, Any, Path]]:
        """Yield the place of an item, its value, and a folder in `under_way` with the files that were written.

        Raises
        ------
        StoreUnreachableError
            The store does not answer, or something that was sent is not there any more.
        """
        self._packer.begin_step()
        task = Task(self._objects.url, self._session, self._packer.pack(function))
        packed = [self._packer.pack(item) for item in items]
        try:
            for place, answer in executor.map(partial(run_far, task), packed):
                yield place, answer.value, self._fetch(answer, under_way)
        except EvenlyError as error:
            error.args = tuple(self._name_here(part) for part in error.args)
            raise

    def _fetch(self, answer: Answer, under_way: Path) -> Path:
        folder = under_way / uuid.uuid4().hex
        folder.mkdir(mode=0o700)
        refuse_outside_names("The answer of a worker", answer.files)
        for name in answer.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        self._objects.get([(f"{self._session}/{entry.blake3}", folder / name) for name, entry in answer.files.items()])
        damage = find_damage(folder, answer.files)
        if damage:
            raise StoreUnreachableError(
                f"What a worker has left at {self._objects.url}/{self._session} is damaged: {damage}. Run again; what "
                f"is finished is kept."
            )
        for name, entry in answer.files.items():
            self._packer.know(folder / name, entry)
        return folder

    def _name_here(self, part: Any) -> Any:
        if isinstance(part, str) and VIEW in part:
            for view, path in self._packer.places.items():
                part = part.replace(f"{VIEW}/{view}", path)
        return part

    def close(self) -> None:
        """Remove what was sent for this build and is no part of an artifact."""
        self._objects.remove(self._objects.find(self._session))
