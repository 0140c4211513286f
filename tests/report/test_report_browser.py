"""The page in a real browser: it opens without complaint, sorts, filters, and fits a phone.

Chromium is driven over its debugging pipe (JSON between NUL bytes on descriptors 3 and 4), which needs no library.
"""

from __future__ import annotations

import fcntl
import html
import itertools
import json
import os
import re
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from evenly.inspection.figures import collect_figures
from evenly.report.page import render_inspection, render_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evenly.store import Artifact

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which is not installed")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)


class Browser:
    """One tab of a headless Chromium."""

    def __init__(self, profile: Path) -> None:
        """Start it with a new profile."""
        told, self._commands = os.pipe()
        self._answers, answered = os.pipe()
        arguments = [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = _spawn(arguments, reads=told, writes=answered)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        # A tab of its own: the first target of a new browser need not be a page.
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Runtime", "Log", "Network", "Page"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; events that come meanwhile are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._answers, 1 << 16)
            assert piece, "Chromium has ended"
            self._rest += piece
        message, self._rest = self._rest.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer

    def open(self, path: Path, *, width: int = 1300, height: int = 900, scheme: str = "light") -> None:
        """Open a file at a window size in a colour scheme, and wait until it is loaded."""
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive())

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[Any]:
        """Return errors, warnings, console messages and dialogs of the page since it was opened."""
        self.run("0")
        bad = {"Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Page.javascriptDialogOpening"}
        return [event for event in self.events if event.get("method") in bad]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def close(self) -> None:
        """End it."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._commands)
        os.close(self._answers)


def _spawn(arguments: list[str], *, reads: int, writes: int) -> int:
    """Start a process whose descriptors 3 and 4 are the given ones, and which says nothing."""
    above = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (reads, writes)]
    silence = [(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_WRONLY, 0) for each in (1, 2)]
    moves = [(os.POSIX_SPAWN_DUP2, each, to) for each, to in zip(above, (3, 4), strict=True)]
    process = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=[*silence, *moves])
    for each in (reads, writes, *above):
        os.close(each)
    return process


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return a browser."""
    started = Browser(tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


_NAMES = "Array.from(document.querySelectorAll('#label-table tbody tr:not([hidden]) th'), e => e.textContent)"


_NAMED = "Array.from(document.querySelectorAll('.chart.wide text')).find(e => e.textContent === 'Label 7')"


def _column(name: str) -> str:
    head = f"Array.from(document.querySelectorAll('#label-table thead th')).find(e => e.innerText.trim() === '{name}')"
    return f"({head})"


def _shown(name: str) -> str:
    return (
        f"Array.from(document.querySelectorAll('#label-table tbody tr:not([hidden])'), "
        f"r => r.cells[{_column(name)}.cellIndex].dataset.v ?? null)"
    )


@pytest.fixture(scope="module")
def page(build_run: Callable[..., dict[str, Artifact]], hostile_names: tuple[str, ...]) -> Path:
    """Return the path of a report with 40 labels, some with hostile names."""
    made = build_run(n_labels=40, n_rows=400, first_names=hostile_names)
    return made["report"].path / "report.html"


@pytest.fixture(scope="module")
def inspection(
    build_run: Callable[..., dict[str, Artifact]],
    hostile_names: tuple[str, ...],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return the path of an inspection of a table with 60 labels and texts that try to break out of the page."""
    made = build_run(n_labels=60, n_rows=400, first_names=hostile_names, texts=hostile_names)
    figures = collect_figures(made["table"].path, made["checks"].path, title=hostile_names[1])
    path = tmp_path_factory.mktemp("inspection") / "page.html"
    path.write_text(render_inspection(figures), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_inspection_opens_without_complaint_and_asks_for_nothing(
    browser: Browser, inspection: Path, width: int, scheme: str
) -> None:
    browser.open(inspection, width=width, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [inspection.as_uri()]
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.querySelectorAll('main script:not([type]), main img').length") == 0


def test_inspection_sorts_and_filters_its_labels(browser: Browser, inspection: Path) -> None:
    browser.open(inspection)
    assert browser.run(f"{_column('Rows')}.getAttribute('aria-sort')") == "descending"
    for _ in range(2):
        browser.run(f"{_column('IRLbl')}.firstElementChild.click()")
    values = [float(value) for value in browser.run(_shown("IRLbl"))]
    assert values == sorted(values)
    assert len(values) == 60
    browser.run("document.getElementById('filter-name').value = 'label 1'")
    browser.run("document.getElementById('filter-name').dispatchEvent(new Event('input'))")
    assert sorted(browser.run(_NAMES)) == [f"Label {at}" for at in range(10, 20)]
    assert browser.complaints() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 390])
def test_page_opens_without_complaint_and_asks_for_nothing(
    browser: Browser, page: Path, width: int, scheme: str
) -> None:
    browser.open(page, width=width, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    assert browser.complaints() == []
    assert [url for url in browser.requests() if not url.startswith("data:")] == [page.as_uri()]
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("document.querySelectorAll('main script:not([type]), main img').length") == 0


def test_colours_follow_the_scheme(browser: Browser, page: Path) -> None:
    fills = {}
    for scheme in ("light", "dark"):
        browser.open(page, scheme=scheme)
        fills[scheme] = browser.run(f"getComputedStyle({_NAMED}).fill")
    assert fills == {"light": "rgb(27, 36, 46)", "dark": "rgb(227, 232, 237)"}


def test_sorting_by_a_number_and_by_a_name(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run(f"{_column('Train rows')}.getAttribute('aria-sort')") == "descending"
    for direction, sign in (("descending", -1), ("ascending", 1)):
        browser.run(f"{_column('F1')}.firstElementChild.click()")
        assert browser.run(f"{_column('F1')}.getAttribute('aria-sort')") == direction
        values = browser.run(_shown("F1"))
        known = [float(value) for value in values if value is not None]
        assert known == sorted(known, key=lambda value: sign * value)
        assert all(value is None for value in values[len(known) :]), "labels without a value stand last"
    assert browser.run("document.querySelectorAll('#label-table [aria-sort]').length") == 1
    browser.run(f"{_column('Label')}.firstElementChild.click()")
    numbered = [name for name in browser.run(_NAMES) if name.startswith("Label ")]
    assert numbered == [f"Label {at}" for at in range(7, 40)]


def test_filtering_by_name_and_group(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.run("document.getElementById('filter-name').value = 'LABEL 1'")
    browser.run("document.getElementById('filter-name').dispatchEvent(new Event('input'))")
    assert sorted(browser.run(_NAMES)) == [f"Label {at}" for at in range(10, 20)]
    assert browser.run("document.getElementById('filter-count').textContent") == "10 of 40 labels"
    browser.run("document.getElementById('filter-group').value = 'head'")
    browser.run("document.getElementById('filter-group').dispatchEvent(new Event('change'))")
    assert sorted(browser.run(_NAMES)) == ["Label 10", "Label 11", "Label 12", "Label 13"]
    assert browser.complaints() == []


def test_a_thousand_labels_are_turned_page_by_page(
    browser: Browser, build_run: Callable[..., dict[str, Artifact]]
) -> None:
    made = build_run(n_labels=1000, n_rows=1200)
    browser.open(made["report"].path / "report.html", width=390)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    browser.run(f"{_column('Label')}.firstElementChild.click()")
    assert browser.run(_NAMES) == [f"Label {at}" for at in range(100)]
    assert browser.run("document.getElementById('page-back').disabled")
    browser.run("document.getElementById('page-on').click()")
    assert browser.run(_NAMES)[0] == "Label 100"
    assert browser.run("document.getElementById('page-shown').textContent") == "101 to 200 of 1,000"
    for _ in range(8):
        browser.run("document.getElementById('page-on').click()")
    assert browser.run(_NAMES)[-1] == "Label 999"
    assert browser.run("document.getElementById('page-on').disabled")
    browser.run("document.getElementById('filter-name').value = 'label 99'")
    browser.run("document.getElementById('filter-name').dispatchEvent(new Event('input'))")
    assert browser.run(_NAMES) == [f"Label {at}" for at in (99, *range(990, 1000))]
    assert browser.run("getComputedStyle(document.getElementById('label-pager')).display") == "none"
    assert browser.complaints() == []


def test_ten_thousand_labels_do_not_freeze(browser: Browser, page: Path, tmp_path: Path) -> None:
    found = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))
    label = found["labels"][0]
    found["labels"] = [label | {"id": at, "name": f"Name {at}", "f1": at % 97 / 97} for at in range(10_000)]
    path = tmp_path / "many.html"
    path.write_text(render_page(found), encoding="utf-8")
    browser.open(path)
    took = browser.run(
        f"(() => {{ const from = performance.now(); for (const name of [{_column('Label')}, {_column('F1')}]) "
        "name.firstElementChild.click(); return performance.now() - from; })()"
    )
    assert took < 5_000, "two sorts of ten thousand labels; a tenth of a second each on a quiet machine"
    assert len(browser.run(_shown("F1"))) == 100
    assert browser.run(_shown("F1"))[0] == str(96 / 97)
    assert browser.run("document.querySelectorAll('*').length") < 20_000
    assert browser.complaints() == []


def test_the_rows_of_the_script_are_those_of_the_page(browser: Browser, page: Path, inspection: Path) -> None:
    cells = (
        "Array.from(document.querySelectorAll('#label-table tbody tr'), r => Array.from(r.cells, c => c.textContent))"
    )
    for path in (page, inspection):
        browser.open(path)
        table = path.read_text(encoding="utf-8").split('id="label-table"')[1].split("<tbody>")[1].split("</tbody>")[0]
        found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("</tr>")[:-1]]
        written = [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in found]
        assert browser.run(cells) == written
