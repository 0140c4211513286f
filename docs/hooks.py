"""What the site does with tables on a narrow screen: every cell knows the heading of its column.

mkdocs calls `on_page_content` with the HTML of a page. Tables of three columns and more become cards on a phone
(docs/site.css), where the heading stands before each value.
"""

from __future__ import annotations

import re
from itertools import cycle
from typing import Any

WIDE = 3
TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with the headings of wide tables in their cells."""
    return TABLE.sub(lambda found: label_cells(found[0]), html)


def label_cells(table: str) -> str:
    """Return a table whose cells carry `data-label`, if it is a wide one."""
    headings = [re.sub("<[^>]+>", "", each) for each in re.findall(r"<th[^>]*>(.*?)</th>", table, re.DOTALL)]
    if len(headings) < WIDE:
        return table
    names = cycle(headings)
    cells = re.sub(r"<td\b", lambda _: f'<td data-label="{next(names)}"', table)
    return cells.replace("<table>", '<table data-wide="">', 1)
