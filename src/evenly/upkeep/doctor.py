"""``evenly doctor``: everything that a run needs, looked at; each line says what is, and what to do about it.

A check is a function that returns findings. None of them raises: what cannot be looked at is a finding, too.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import uuid
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from evenly import __version__
from evenly.errors import EvenlyError, StoreError
from evenly.mirror.address import check_url, is_url
from evenly.mirror.cache_folder import find_cache
from evenly.mirror.carrier import WORK_PREFIX
from evenly.mirror.mirrored import open_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evenly.config import RunConfig

__all__ = ["Finding", "examine"]

_GIB = 2**30
_LITTLE_DISK, _LITTLE_MEMORY = 10 * _GIB, 4 * _GIB
_CONNECT_S = 5.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes
    ----------
    name
        What was looked at.
    verdict
        ok, note (nothing to do unless you want it), or trouble.
    said
        What is.
    todo
        What to do; empty where nothing is.
    """

    name: str
    verdict: Literal["ok", "note", "trouble"]
    said: str
    todo: str = ""


def examine(config: RunConfig | None = None, *, fix: bool = False) -> Iterator[Finding]:
    """Yield what is found, one after the other.

    Parameters
    ----------
    config
        Whose store, tokenizer and cluster are looked at; None: those are left out.
    fix
        Whether runs whose process is dead are marked Crashed.
    """
    checks: list[Callable[[], Iterator[Finding]]] = [_versions, _memory, _devices]
    if config is not None:
        checks += [lambda: _store(config), lambda: _tokenizer(config), lambda: _cluster(config)]
    checks.append(lambda: _prefect(fix=fix))
    for check in checks:
        try:
            yield from check()
        except (EvenlyError, OSError, RuntimeError) as error:
            yield Finding("doctor", "trouble", str(error), "See the message; --debug shows where it comes from.")


def _versions() -> Iterator[Finding]:
    yield Finding("evenly", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    wrong = []
    for line in requires("evenly") or []:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(there, prereleases=True):
            wrong.append(f"{wanted.name} is {there}, wanted{wanted.specifier}")
    if wrong:
        yield Finding("packages", "trouble", "; ".join(wrong), f"{sys.executable} -m pip install --upgrade evenly")
    else:
        yield Finding(
            "packages", "ok", f"prefect {version('prefect')}, fastapi {version('fastapi')}, and the others fit"
        )


def _memory() -> Iterator[Finding]:
    free = _free_memory()
    if free is None:
        yield Finding("memory", "note", "this system does not tell how much is free")
    elif free < _LITTLE_MEMORY:
        yield Finding(
            "memory", "note", f"{free / _GIB:.1f} GiB free", "Fewer workers (executor.workers) or smaller parts."
        )
    else:
        yield Finding("memory", "ok", f"{free / _GIB:.1f} GiB free")


def _free_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), None)


def _store(config: RunConfig) -> Iterator[Finding]:
    if not is_url(config.store):
        yield from _disk(Path(config.store))
        return
    mirror = open_mirror(check_url(config.store))
    name, content = f"{WORK_PREFIX}/doctor-{uuid.uuid4().hex}/hello", b"evenly doctor"
    try:
        mirror.objects.write(name, content)
        found = mirror.objects.read(name)
        mirror.objects.remove([name])
    except StoreError as error:
        yield Finding("store", "trouble", str(error), "See the message; --debug shows where it comes from.")
        return
    if found == content:
        yield Finding("store", "ok", f"{mirror.url} answers, and may be written")
    else:
        yield Finding(
            "store", "trouble", f"{mirror.url} does not give back what was just written", "Use one that is consistent."
        )
    yield from _disk(find_cache(mirror.url, config.store_cache))


def _disk(store: Path) -> Iterator[Finding]:
    place = next(folder for folder in (store.absolute(), *store.absolute().parents) if folder.is_dir())
    if not os.access(place, os.W_OK):
        yield Finding("store", "trouble", f"{place} may not be written", "Give another place: store, or --store DIR.")
        return
    free = shutil.disk_usage(place).free
    said = f"{store}: {free / _GIB:.0f} GiB free"
    if free < _LITTLE_DISK:
        yield Finding("store", "note", said, f"evenly store gc --store {store} --keep 3")
    else:
        yield Finding("store", "ok", said)


def _devices() -> Iterator[Finding]:
    if find_spec("tensorflow") is None:
        yield Finding("tensorflow", "note", "not installed: this machine prepares only", "pip install 'evenly[train]'")
        return
    from evenly.isolation import run_isolated
    from evenly.train.devices import describe_devices

    seen = run_isolated(describe_devices)
    yield Finding("tensorflow", "ok", f"{seen['tensorflow']}, keras {seen['keras']}")
    if seen["gpus"]:
        yield Finding("gpu", "ok", f"{', '.join(seen['gpus'])}, CUDA {seen['cuda']}, cuDNN {seen['cudnn']}")
    elif not Path("/dev/nvidiactl").exists():
        yield Finding("gpu", "note", "none on this machine: training runs on the CPU")
    elif os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}:
        yield Finding("gpu", "note", "hidden by CUDA_VISIBLE_DEVICES", "unset CUDA_VISIBLE_DEVICES")
    else:
        yield Finding(
            "gpu",
            "trouble",
            "there is one, and TensorFlow does not see it",
            "pip install 'evenly[gpu]' (CUDA libraries)",
        )


def _tokenizer(config: RunConfig) -> Iterator[Finding]:
    name = config.tokenize.tokenizer
    if name is None:
        yield Finding("tokenizer", "ok", f"trained on the table ({config.tokenize.kind})")
    elif Path(name).is_dir():
        yield Finding("tokenizer", "ok", f"the folder {name}")
    elif _answers("huggingface.co", 443):
        yield Finding("tokenizer", "ok", f"{name}: the hub answers")
    else:
        yield Finding(
            "tokenizer",
            "note",
            f"{name}: the hub does not answer",
            "It is found if it was fetched before; else name a folder.",
        )


def _cluster(config: RunConfig) -> Iterator[Finding]:
    if config.executor.kind != "dask":
        yield Finding("workers", "ok", "processes of this machine")
        return
    where = urlsplit(config.executor.address or "")
    if where.hostname and where.port and _answers(where.hostname, where.port):
        yield Finding("workers", "ok", f"the Dask scheduler {config.executor.address} answers")
    else:
        yield Finding(
            "workers", "trouble", f"no Dask scheduler answers at {config.executor.address}", "Start it: dask scheduler"
        )


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_S):
            return True
    except OSError:
        return False


def _prefect(*, fix: bool) -> Iterator[Finding]:
    from evenly.flows.server import is_configured, server_at_hand

    if is_configured():
        from evenly.flows.deploying import check_server

        try:
            yield Finding("prefect", "ok", f"the server {check_server()} answers")
        except EvenlyError as error:
            yield Finding("prefect", "trouble", str(error), "Start it, or unset PREFECT_API_URL to do without.")
            return
    else:
        yield Finding("prefect", "ok", "no server is configured: each run starts one for itself")
    with server_at_hand():
        yield from _runs(fix=fix)


def _runs(*, fix: bool) -> Iterator[Finding]:
    from evenly.flows.run_identity import find_orphans, mark_orphans

    if fix:
        marked = mark_orphans()
        yield Finding("runs", "ok", f"{len(marked)} runs of dead processes marked Crashed" if marked else "no orphans")
        return
    orphans = find_orphans()
    if orphans:
        names = ", ".join(run.name for run in orphans[:3])
        yield Finding(
            "runs", "trouble", f"{len(orphans)} are Running, their process is dead: {names}", "evenly doctor --fix"
        )
    else:
        yield Finding("runs", "ok", "the database answers; no run is Running whose process is dead")
