"""A Prefect server for one run, where none is configured: it ends with the process that started it, however that ends.

Prefect's own temporary server outlives a script that is killed, and hears the Ctrl-C that is meant for the script,
whose client then tries for a minute to reach it. This one is a spawned process that watches its parent and leaves
Ctrl-C alone. It listens on the loopback interface only, on a port that the kernel picks, and keeps Prefect's
database, so that runs of all such servers stand in one history.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from evenly.errors import RunFailedError
from evenly.isolation import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnProcess

__all__ = [
    "LOOPBACK",
    "api_answers",
    "is_configured",
    "leaving_without_server",
    "server_at_hand",
    "server_with_pages",
    "telling_of_server",
]

LOOPBACK = "127.0.0.1"
_USUAL_PORT = 4200
_POLL_S = 0.05
_GONE_GRACE_S = 10.0
_EXIT_NO_ANSWER = 2


@dataclass(frozen=True)
class _TemporaryServer:
    process: SpawnProcess
    url: str

    def wait(self, timeout_s: float) -> None:
        """Return once it answers."""
        deadline = time.monotonic() + timeout_s
        while not api_answers(self.url):
            if not self.process.is_alive():
                raise RunFailedError(
                    f"The temporary Prefect server ended with exit code {self.process.exitcode}: what it says stands "
                    f"above. `evenly doctor` looks for the cause; `--no-prefect` runs without it."
                )
            if time.monotonic() > deadline:
                raise RunFailedError(
                    f"The temporary Prefect server did not answer within {timeout_s:g} s. Give it longer "
                    f"(PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS), or run without it: --no-prefect."
                )
            time.sleep(_POLL_S)


def is_configured() -> bool:
    """Return whether Prefect knows a server: by PREFECT_API_URL, its profile or its settings file."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


@contextmanager
def server_at_hand() -> Iterator[None]:
    """Let the body run flows: on the server that is configured, or on one for this process.

    The flows are imported while the server starts.

    Raises
    ------
    RunFailedError
        The server does not start, or it is gone before the body has ended.
    """
    from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

    url = get_current_settings().api.url
    if url is not None:
        with telling_of_server(url):
            yield
        return
    server = _start()
    import evenly.flows.pipeline  # noqa: F401 - takes seconds, as does the server

    server.wait(get_current_settings().server.ephemeral.startup_timeout_seconds)
    with temporary_settings({PREFECT_API_URL: server.url}), telling_of_server(server.url):
        yield


@contextmanager
def telling_of_server(url: str) -> Iterator[None]:
    """Say in a sentence that the server is gone or lets nobody in, however many layers have tried to reach it.

    Raises
    ------
    RunFailedError
        It does not answer, or not without the right password.
    """
    import httpx

    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError, RuntimeError) as error:
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == httpx.codes.UNAUTHORIZED:
            raise RunFailedError(
                f"The Prefect server {url} asks for a password, and what it was given is not the right one. Set what "
                f'it was started with: export PREFECT_API_AUTH_STRING="user:password"'
            ) from error
        if api_answers(url):
            raise
        raise RunFailedError(_no_answer(url)) from error


def _no_answer(url: str) -> str:
    return (
        f"The Prefect server {url} does not answer. What is finished is kept; the same command goes on from there. "
        f"Start it (prefect server start), look at PREFECT_API_URL, or run without it: --no-prefect."
    )


@contextmanager
def leaving_without_server() -> Iterator[None]:
    """Once the body, the work of a run, has ended: end the process within seconds if the server is gone.

    Prefect would try to tell it what happened, event by event, for minutes. Nothing is lost: artifacts are in the
    store.
    """
    from prefect.settings import get_current_settings

    try:
        yield
    finally:
        url = get_current_settings().api.url
        if url is not None and not api_answers(url):
            timer = threading.Timer(_GONE_GRACE_S, _leave, [url])
            timer.daemon = True
            timer.start()


def _leave(url: str) -> None:
    if not api_answers(url):
        sys.stderr.write(f"evenly: {_no_answer(url)}\n")
        sys.stdout.flush()
        os._exit(_EXIT_NO_ANSWER)


@contextmanager
def server_with_pages() -> Iterator[str]:
    """Yield the address of a server with schedules and pages: the configured one, or one for the body.

    Raises
    ------
    RunFailedError
        It does not start.
    """
    from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

    url = get_current_settings().api.url or f"http://{LOOPBACK}:{_USUAL_PORT}/api"
    if is_configured() or api_answers(url, timeout_s=1.0):
        with temporary_settings({PREFECT_API_URL: url}):
            yield url
        return
    server = _start(_USUAL_PORT, pages=True)
    server.wait(get_current_settings().server.ephemeral.startup_timeout_seconds)
    with temporary_settings({PREFECT_API_URL: server.url}):
        yield server.url


def _start(port: int = 0, *, pages: bool = False) -> _TemporaryServer:
    """Start the process; a daemon, so that it is ended after Prefect has sent its last events."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        raise RunFailedError(
            f"Port {port} is taken by something that is no Prefect server. Name a server: "
            f"export PREFECT_API_URL=http://{LOOPBACK}:PORT/api"
        ) from error
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(listener, pages), daemon=True)
    process.start()
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/api"
    listener.close()
    return _TemporaryServer(process, url)


def _serve(listener: socket.socket, pages: bool) -> None:  # noqa: FBT001 - travels by position
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if pages:  # they ask the address that Prefect's settings have for them
        os.environ["PREFECT_UI_API_URL"] = f"http://{LOOPBACK}:{listener.getsockname()[1]}/api"
    else:
        os.environ |= {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1"}
    import uvicorn
    from prefect.server.api.server import create_app

    settings = uvicorn.Config(create_app(ephemeral=not pages, final=True), log_level="error", lifespan="on")
    uvicorn.Server(settings).run(sockets=[listener])


def api_answers(url: str, timeout_s: float = 5.0) -> bool:
    """Return whether a Prefect server answers at `url`, which ends with ``/api``."""
    opener: Any = build_opener(ProxyHandler({}) if LOOPBACK in url else ProxyHandler())
    try:
        with opener.open(f"{url}/health", timeout=timeout_s) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (URLError, OSError, ValueError):
        return False
