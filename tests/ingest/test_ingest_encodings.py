"""Encodings: found by their bytes, settable; bad bytes are refused or replaced, and lines stay those of the file."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any

import pytest

from evenly.errors import ConfigError, DataError
from evenly.ingest.encodings import find_encoding, open_utf8
from evenly.ingest.files import find_raw_file
from evenly.ingest.reading import TextFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = "text,label\nun café,a\ndéjà “vu”,b\n"
PLAIN = "text,label\nun café,a\ndéjà vu,b\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(ROWS.encode(), "utf-8", id="UTF-8"),
        pytest.param(ROWS.encode("utf-8-sig"), "utf-8", id="UTF-8 with a mark"),
        pytest.param(b"text,label\nall ascii,a\n", "utf-8", id="ASCII"),
        pytest.param(ROWS.encode("utf-16"), "utf-16-le", id="UTF-16 with a mark"),
        pytest.param(codecs.BOM_UTF16_BE + ROWS.encode("utf-16-be"), "utf-16-be", id="UTF-16 of the other order"),
        pytest.param(ROWS.encode("utf-16-le"), "utf-16-le", id="UTF-16 without a mark"),
        pytest.param(ROWS.encode("utf-16-be"), "utf-16-be", id="the other order without a mark"),
        pytest.param(ROWS.encode("utf-32"), "utf-32-le", id="UTF-32"),
        pytest.param(ROWS.encode("cp1252"), "cp1252", id="cp1252, by its curly quotes"),
        pytest.param(PLAIN.encode("latin-1"), "latin-1", id="latin-1: nothing from 0x80 to 0x9f"),
        pytest.param(ROWS.encode("cp1252") + b"\x8d,a\n", "latin-1", id="0x8d is not in cp1252"),
        pytest.param(("é" * 40).encode() + b"\xe9" * 9, "utf-8", id="mostly UTF-8"),
        pytest.param(("é" * 2).encode() + b"\xe9," * 9, "latin-1", id="two pairs that look like UTF-8 by accident"),
        pytest.param(ROWS.encode()[:-4] + "é".encode()[:1], "utf-8", id="cut within a character"),
        pytest.param(b"x\0y,a\n" * 9, "utf-8", id="a few NUL bytes"),
    ],
)
def test_encodings_are_found_by_their_bytes(content: bytes, encoding: str) -> None:
    assert find_encoding("t.csv", iter([content])) == encoding


def test_characters_cut_between_blocks_are_whole() -> None:
    content = "é".encode() * 50
    assert find_encoding("t.csv", iter([content[:33], content[33:67], content[67:]])) == "utf-8"


def test_what_is_no_text_is_told() -> None:
    with pytest.raises(DataError, match=r"t\.csv is no text: 100% of its first bytes are NUL"):
        find_encoding("t.csv", iter([b"\0" * 100]))


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "cp1252", "utf-32"])
def test_legacy_files_give_the_same_table(tmp_path: Path, build: Callable[..., Any], name: str, encoding: str) -> None:
    content = ROWS if name == "t.csv" else '{"text": "un café", "label": "a"}\n{"text": "déjà “vu”", "label": "b"}\n'
    (tmp_path / name).write_bytes(content.encode(encoding))
    built = build(tmp_path / name)
    assert [row["text"] for row in built.rows] == ["un café", "déjà “vu”"]
    found = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    assert built.facts["dialects"][0]["encoding"] == found
    assert any(found.upper() in note.upper() for note in built.notes)


def test_an_encoding_that_is_given_is_used_and_not_remarked_upon(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_bytes("text,label\nжизнь,a\nлюди,b\n".encode("cp1251"))
    built = build(tmp_path / "t.csv", encoding="windows-1251")
    assert [row["text"] for row in built.rows] == ["жизнь", "люди"]
    assert not any("cp1251" in note for note in built.notes)


def test_an_unknown_encoding_is_told(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_text(ROWS, encoding="utf-8")
    for wrong in ("utf8-with-cream", "hex"):
        with pytest.raises(ConfigError, match=f"source.encoding is '{wrong}'"):
            build(tmp_path / "t.csv", encoding=wrong)


BROKEN = b'text,label\nfine,a\n"two\nlines",b\ncut \xe2\x80,a\nmad \xff,b\n' + "né,a\n".encode() * 20


def test_bad_bytes_are_refused_with_their_line(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_bytes(BROKEN)
    built = build(tmp_path / "t.csv")
    assert [(reject["line"], reject["column"], reject["reason"], reject["raw"]) for reject in built.rejects] == [
        (5, "text", "invalid UTF-8", "cut \\xe2\\x80,a"),
        (6, "text", "invalid UTF-8", "mad \\xff,b"),
    ]
    assert built.facts["rows_kept"] == 22
    assert any("source.on_bad_bytes: replace" in note for note in built.notes)


def test_bad_bytes_are_replaced_as_python_does(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_bytes(BROKEN)
    built = build(tmp_path / "t.csv", on_bad_bytes="replace")
    assert [row["text"] for row in built.rows[:4]] == ["fine", "two\nlines", "cut \ufffd", "mad \ufffd"]
    assert [row["text"] for row in built.rows[2:4]] == [
        line.split(",")[0] for line in BROKEN.decode(errors="replace").splitlines()[4:6]
    ]
    assert built.rejects == []


def test_bad_bytes_of_json_lines(tmp_path: Path, build: Callable[..., Any]) -> None:
    content = (
        b'{"text": "cut \xe2\x80", "label": "a"}\n{"text": "x", "label": "a"}\n'
        + '{"text": "né", "label": "b"}\n'.encode() * 9
    )
    (tmp_path / "t.jsonl").write_bytes(content)
    assert [reject["line"] for reject in build(tmp_path / "t.jsonl").rejects] == [1]
    assert build(tmp_path / "t.jsonl", on_bad_bytes="replace").rows[0]["text"] == "cut \ufffd"


def test_bytes_that_a_codec_does_not_have_are_refused_too(tmp_path: Path, build: Callable[..., Any]) -> None:
    (tmp_path / "t.csv").write_bytes(b"text,label\nfine \xe9,a\nhole \x81,b\nfine,b\n")
    built = build(tmp_path / "t.csv", encoding="cp1252")
    assert [row["text"] for row in built.rows] == ["fine é", "fine"]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(3, "invalid cp1252")]
    replaced = build(tmp_path / "t.csv", encoding="cp1252", on_bad_bytes="replace")
    assert [row["text"] for row in replaced.rows] == ["fine é", "hole \ufffd", "fine"]


def test_half_a_pair_of_utf16_is_refused(tmp_path: Path, build: Callable[..., Any]) -> None:
    lone = "\ud83d".encode("utf-16-le", "surrogatepass")
    content = "text,label\nfine,a\nhalf ".encode("utf-16") + lone + ",b\nmore,b\n".encode("utf-16-le")
    (tmp_path / "t.csv").write_bytes(content)
    built = build(tmp_path / "t.csv")
    assert [row["text"] for row in built.rows] == ["fine", "more"]
    assert [(reject["line"], reject["reason"]) for reject in built.rejects] == [(3, "invalid utf-16-le")]


def test_the_copy_is_made_block_by_block(tmp_path: Path) -> None:
    text = "naïve 😀\n" * 300_000  # several blocks, cut within characters
    (tmp_path / "t.csv").write_bytes(text.encode("utf-16"))
    copy = open_utf8(find_raw_file(tmp_path / "t.csv"), tmp_path, TextFormat())
    assert copy.path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("at", [10, (1 << 20) - 1, 1 << 20, 2_100_000, 3_199_998])
def test_bytes_anywhere_in_a_large_file_tell(tmp_path: Path, at: int) -> None:
    content = bytearray(b"plain words\tof one row\n" * 140_000)[:3_200_000]
    (tmp_path / "t.csv").write_bytes(content)
    assert open_utf8(find_raw_file(tmp_path / "t.csv"), tmp_path, TextFormat()).path == tmp_path / "t.csv"
    content[at] = 0xE9
    (tmp_path / "t.csv").write_bytes(content)
    assert open_utf8(find_raw_file(tmp_path / "t.csv"), tmp_path, TextFormat()).encoding == "latin-1"
