"""The values of a JSON text that is too large for memory, one after the other.

In: a stream of bytes that holds an array, or values one after the other. Out: an `Element` for each value, with its
line and its text. A value that is no JSON is passed over up to where the next one begins, and is told; at most
`_ELEMENT_CHARACTERS` of the text are held at a time.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evenly.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evenly.ingest.unpacking import ByteStream

__all__ = ["NOT_JSON", "Element", "JsonElements"]

NOT_JSON = object()

_BLOCK_BYTES = 1 << 20
_ELEMENT_CHARACTERS = 16 << 20
_RESYNC_CHARACTERS = 1 << 20
_NUMBER_CHARACTERS = "+-.0123456789Ee"
_MOST_LOST = 100
_NEAR_END = 16  # the longest token that may be cut: two \uXXXX escapes
_BETWEEN = re.compile(r"[\s,]*")
_STRUCTURE = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|[\[\]{}]')
_NEXT_LINE = re.compile(r"\n\s*(?=\{)")
_SCALAR = re.compile(r"[^,\n{}\[\]]+|.", re.DOTALL)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Element:
    """One value: the line that it begins on (from 1), its text, and what it is; `NOT_JSON` where it is none."""

    line: int
    text: str
    value: Any


class JsonElements:
    """Iterates over the values of a stream; those of an array one by one.

    Attributes
    ----------
    in_array
        Whether the first value is an array; known once an element was delivered.
    cut
        Whether the text ended within an array; known at the end.
    """

    def __init__(self, name: str, stream: ByteStream, *, encoding: str = "auto", replace: bool = False) -> None:
        """Read from `stream`; bytes that the encoding does not have become lone surrogates, or U+FFFD."""
        self._name = name
        self._window = _Window(stream, encoding, replace=replace)
        self._n_lost = 0
        self.in_array = False
        self.cut = False

    def __iter__(self) -> Iterator[Element]:
        """Yield the values in their order."""
        window, inside = self._window, False
        decoder = json.JSONDecoder()
        while window.skip_between():
            char = window.text[window.at]
            if char == "[" and not inside:
                self.in_array = inside = True
                window.take(window.at + 1)
            elif char == "]" and inside:
                inside = False
                window.take(window.at + 1)
            else:
                yield self._next(decoder)
        self.cut = inside

    def _next(self, decoder: json.JSONDecoder) -> Element:
        window = self._window
        line = window.line
        while True:
            try:
                value, end = decoder.raw_decode(window.text, window.at)
            except json.JSONDecodeError as error:
                if _may_be_cut(error, len(window.text)) and window.fill(_ELEMENT_CHARACTERS):
                    continue
                break
            except (ValueError, RecursionError):  # a number of thousands of digits; a thousand brackets
                break
            rest = window.text[end : end + _NEAR_END]  # of 0.5, cut after the point, 0 is decoded
            may_go_on = not isinstance(value, dict | list | str) and not rest.strip(_NUMBER_CHARACTERS)
            if not may_go_on or not window.fill(_ELEMENT_CHARACTERS):
                return Element(line, window.take(end), value)
        return Element(line, window.take(self._find_end()), NOT_JSON)

    def _find_end(self) -> int:
        """Return where the broken value ends, by its brackets; where they do not tell, at a line that begins anew.

        Raises
        ------
        DataError
            They did not tell a hundred times.
        """
        window = self._window
        while True:
            end = _find_bracket_end(window.text, window.at)
            if end is not None:
                return end
            if not window.fill(_RESYNC_CHARACTERS):
                break
        self._n_lost += 1
        if self._n_lost > _MOST_LOST:
            raise DataError(
                f"{self._name} is no JSON that evenly can follow: more than {_MOST_LOST} objects whose brackets do not "
                f"match, the last on line {window.line}. Repair it, or write an object a line (.jsonl)."
            )
        found = _NEXT_LINE.search(window.text, window.at + 1)
        return found.start() if found else len(window.text)


def _may_be_cut(error: json.JSONDecodeError, size: int) -> bool:
    """Return whether more text could mend it."""
    return error.msg.startswith("Unterminated string") or error.pos >= size - _NEAR_END


def _find_bracket_end(text: str, at: int) -> int | None:
    """Return where a broken value ends; None where the text ends before.

    A closing bracket closes its own kind, whatever was left open within. An object cannot begin after a comma
    within an object: there, a closing bracket is missing, and the next value begins.
    """
    if text[at] not in "[{":
        found = _SCALAR.match(text, at)
        return found.end() if found else None
    depth: list[str] = []
    for match in _STRUCTURE.finditer(text, at):
        char = match[0]
        if char in {"{", "["}:
            if char == "{" and depth == ["{"] and _char_before(text, match.start()) == ",":
                return match.start()
            depth.append(char)
        elif char in {"}", "]"}:
            opening = "{" if char == "}" else "["
            if opening not in depth:
                return match.start()  # of the array around it
            while depth.pop() != opening:
                pass
            if not depth:
                return match.end()
    return None


def _char_before(text: str, index: int) -> str:
    while text[index - 1].isspace():
        index -= 1
    return text[index - 1]


class _Window:
    """The part of the text that is held: consumed up to `at`, which stands on line `line`."""

    def __init__(self, stream: ByteStream, encoding: str, *, replace: bool) -> None:
        self._stream = stream
        first = stream.read(_BLOCK_BYTES)
        codec = next((codec for mark, codec in _MARKS.items() if first.startswith(mark)), "utf-8")
        codec = codec if encoding == "auto" else encoding
        lenient = replace or codec.startswith(("utf-16", "utf-32"))
        self._decoder = codecs.getincrementaldecoder(codec)("replace" if lenient else "surrogateescape")
        self._ended = False
        self.text = self._decode(first)
        self.at = 0
        self.line = 1

    def _decode(self, block: bytes) -> str:
        self._ended = not block
        return self._decoder.decode(block, final=self._ended)

    def fill(self, most_characters: int) -> bool:
        """Read on, as much again as is held; return whether there was more, and room for it."""
        held = len(self.text) - self.at
        if self._ended or held >= most_characters:
            return False
        more = []
        n_more = 0
        while not self._ended and n_more < max(held, _BLOCK_BYTES // 2):
            more.append(self._decode(self._stream.read(_BLOCK_BYTES)))
            n_more += len(more[-1])
        self.text = self.text[self.at :] + "".join(more)
        self.at = 0
        return True

    def skip_between(self) -> bool:
        """Go on to the next value; return whether there is one."""
        while True:
            match = _BETWEEN.match(self.text, self.at)
            self.take(match.end() if match else self.at)
            if self.at < len(self.text):
                return True
            if not self.fill(_ELEMENT_CHARACTERS):
                return False

    def take(self, end: int) -> str:
        """Consume the text up to `end` and return it."""
        taken = self.text[self.at : end]
        self.line += taken.count("\n")
        self.at = end
        return taken
