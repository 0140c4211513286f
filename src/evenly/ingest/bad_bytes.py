r"""What bytes that are no UTF-8 look like.

In: refused rows in which such bytes stand as ``\xe9``. Out: a phrase that names a likely encoding, for the note.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["suggest_encoding"]

_RUN = re.compile(r"(?:\\x[0-9a-f]{2})+")
_LOOKED_AT = 1_000
_UNASSIGNED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}


def suggest_encoding(rows: Iterable[str]) -> str:
    """Return ``cp1252``, ``latin-1``, or ``mixed or cut bytes ...``, by the bytes that are no UTF-8.

    Lone bytes between ASCII are a single-byte encoding: with 0x80 to 0x9f in it cp1252, without latin-1. Beside
    valid UTF-8 of several bytes, or with bytes that cp1252 does not have, they are of several origins or cut.
    """
    looked_at = list(islice(rows, _LOOKED_AT))
    found = {byte for row in looked_at for run in _RUN.findall(row) for byte in bytes.fromhex(run.replace("\\x", ""))}
    n_mixed = sum(not row.isascii() for row in looked_at)
    if not found or found & _UNASSIGNED or n_mixed > len(looked_at) // 2:
        return "mixed or cut bytes; source.on_bad_bytes: replace keeps such rows"
    return "cp1252" if any(byte < 0xA0 for byte in found) else "latin-1"  # noqa: PLR2004 - C1 controls end there
