"""URLs: fetched once, again when they change, by a server and by memory://, and nothing secret is told."""

from __future__ import annotations

import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import fsspec
import pytest
import yaml

from evenly.config import load_config
from evenly.errors import ConfigError, MissingExtraError, SourceNotFoundError, SourceUnreachableError
from evenly.executor import InProcess
from evenly.flows.first_config import guess_config
from evenly.flows.steps import prepare_steps, train_steps
from evenly.flows.walk import Site as BuildSite
from evenly.flows.walk import build_step
from evenly.ingest import FileSource
from evenly.progress import Advanced, observing
from evenly.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = "".join(f"some words about {n},{'ab'[n % 2]}\n" for n in range(40))
CSV = f"text,label\n{ROWS}".encode()


class Site:
    """What a server serves: path to content; `asked` lists the requests."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.tags = True
        self.asked: list[tuple[str, str, str | None]] = []
        self.base = ""

    def downloads(self) -> int:
        """Return how often content was asked for."""
        return sum(method == "GET" for method, _, _ in self.asked)


@contextmanager
def serving(site: Site) -> Iterator[None]:
    """Serve the site on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            site.asked.append((self.command, self.path, self.headers.get("Authorization")))
            status = {"/secret.csv": 403, "/broken.csv": 503}.get(path, 200 if path in site.pages else 404)
            body = site.pages.get(path, b"") if status == 200 else b""
            self.send_response(status)
            if site.tags:
                self.send_header("ETag", f'"{hash(body)}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    with serving(found):
        yield found


def fetch(folder: Path, *names: str, **options: Any) -> list[bytes]:
    """Return the contents of the files of URLs."""
    return [path.read_bytes() for path in FileSource(names, options).fetch(folder)]


def test_a_url_is_fetched_once_and_again_when_it_has_changed(tmp_path: Path, site: Site) -> None:
    site.pages["/t.csv"] = CSV
    assert fetch(tmp_path / "s", f"{site.base}/t.csv") == [CSV]
    assert fetch(tmp_path / "s", f"{site.base}/t.csv") == [CSV]
    assert site.downloads() == 1
    site.pages["/t.csv"] = CSV.replace(b"words", b"other")
    assert fetch(tmp_path / "s", f"{site.base}/t.csv") == [site.pages["/t.csv"]]
    assert site.downloads() == 2
    assert (tmp_path / "s").stat().st_mode & 0o077 == 0
    assert not [path for path in (tmp_path / "s").iterdir() if path.name.startswith(".partial")]


def test_a_server_without_tags_is_asked_each_time(tmp_path: Path, site: Site) -> None:
    site.tags = False
    site.pages["/t.csv"] = CSV
    for _ in range(2):
        assert fetch(tmp_path, f"{site.base}/t.csv") == [CSV]
    assert site.downloads() == 2


def test_a_file_that_is_damaged_here_is_fetched_again(tmp_path: Path, site: Site) -> None:
    site.pages["/t.csv"] = CSV
    (path,) = FileSource((f"{site.base}/t.csv",)).fetch(tmp_path)
    path.write_bytes(CSV[:20])
    assert fetch(tmp_path, f"{site.base}/t.csv") == [CSV]


def test_a_run_on_a_url_shows_progress_and_reuses_the_table(tmp_path: Path, site: Site) -> None:
    site.pages["/t.csv"] = CSV
    source = {"files": f"{site.base}/t.csv?token=geheim", "text": "text", "labels": {"columns": "label"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"source": source}))
    config = load_config(tmp_path / "config.yaml")
    steps = prepare_steps(config)
    assert site.asked == []  # what a run consists of is known without the network
    events: list[object] = []
    with observing(events.append):
        built = [build_step(BuildSite(Store(config.store), InProcess()), steps[0], {}) for _ in range(2)]
    assert built[0].path == built[1].path
    assert built[0].manifest.rows == 40
    assert any(isinstance(event, Advanced) and event.unit == "MB" for event in events)
    told = [path.read_text(errors="replace") for path in (tmp_path / "evenly-store").rglob("*.json")]
    assert "geheim" not in "".join(told) + str(train_steps(config)[-1].params)
    assert train_steps(config)[-1].params["title"] == "t.csv"


def test_credentials_reach_the_server_and_nobody_else(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/t.csv"] = CSV
    monkeypatch.setenv("SITE_TOKEN", "geheim")
    fetch(tmp_path, f"{site.base}/t.csv?key=$SITE_TOKEN", headers={"Authorization": "Bearer ${SITE_TOKEN}"})
    assert {(path, auth) for _, path, auth in site.asked} == {("/t.csv?key=geheim", "Bearer geheim")}
    assert "geheim" not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("{base}/none.csv?token=geheim", SourceNotFoundError, "none.csv, but there is no such file"),
        ("{base}/secret.csv?token=geheim", SourceNotFoundError, "may not be read: 403"),
        ("{base}/broken.csv?token=geheim", SourceUnreachableError, "cannot be fetched now: 503"),
        ("http://me:geheim@127.0.0.1:1/t.csv", SourceUnreachableError, "cannot be fetched now: Cannot connect"),
        ("nope://host/t.csv", ConfigError, "a protocol that fsspec does not know"),
        ("{base}/t.csv?key=$NOT_SET", ConfigError, r"names \$NOT_SET"),
    ],
)
def test_what_goes_wrong_is_told_without_secrets(
    tmp_path: Path, site: Site, name: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        fetch(tmp_path, name.format(base=site.base))
    assert "geheim" not in f"{caught.value} {caught.value.__cause__}"


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(MissingExtraError, match=r"s3:// needs s3fs: pip install 'evenly\[s3\]'"):
        fetch(tmp_path, "s3://bucket/t.csv")


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


def test_globs_and_chains_of_any_file_system(tmp_path: Path, memory: Any) -> None:
    for name in ("b", "a", "deep/c"):
        memory.pipe(f"/data/{name}.csv", CSV + f"from {name},a\n".encode())
    assert [content[-9:] for content in fetch(tmp_path, "memory://data/*.csv")] == [b"from a,a\n", b"from b,a\n"]
    assert len(fetch(tmp_path, "memory://data/**/*.csv")) == 3
    assert len(fetch(tmp_path, "memory://data/*.csv", "memory://data/deep/c.csv", "memory://data/a.csv")) == 3
    with memory.open("/all.zip", "wb") as sink, zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("in/t.csv", CSV)
    assert fetch(tmp_path, "zip://in/t.csv::memory://all.zip") == [CSV]
    with pytest.raises(SourceNotFoundError, match=r"memory://data/\*\.json, but no file"):
        fetch(tmp_path, "memory://data/*.json")


def test_a_config_for_a_url(tmp_path: Path, memory: Any) -> None:
    memory.pipe("/data/t.csv", CSV)
    first = guess_config("memory://data/t.csv", store=tmp_path / "store")
    assert first.config.source.files == ("memory://data/t.csv",)
    assert first.config.source.text == ("text",)
    assert len(list((tmp_path / "store" / "sources").rglob("t.csv"))) == 1  # where a run finds it
