"""Charts: static, small, escaped, and the same every time."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from evenly.report.charts import MOST_NAMED_LABELS, curve_chart, label_counts_chart, length_chart, score_by_count_chart

_TEXT = "{http://www.w3.org/2000/svg}text"


def _labels(n_labels: int, name: str = "Label") -> list[dict[str, object]]:
    return [
        {"name": f"{name} {at}", "before": 1000 // (at + 1), "after": 1200 // (at + 1), "f1": 1 / (at + 1)}
        for at in range(n_labels)
    ]


def _drawings(chart: str) -> list[ET.Element]:
    root = ET.fromstring(f"<figure>{chart}</figure>")  # noqa: S314 - our own drawing
    return list(root)


def _texts(drawing: ET.Element) -> list[str]:
    return [element.text or "" for element in drawing.iter(_TEXT)]


def test_bars_are_named_and_counted_in_order() -> None:
    wide, narrow = _drawings(label_counts_chart(_labels(4)[::-1], resampled=True))
    expected = ["1,000 → 1,200", "500 → 600", "333 → 400", "250 → 300"]
    for drawing in (wide, narrow):
        texts = _texts(drawing)
        assert [text for text in texts if text.startswith("Label")] == ["Label 0", "Label 1", "Label 2", "Label 3"]
        assert [text for text in texts if "→" in text] == expected
    assert wide.attrib["role"] == "img"
    assert "Label 0 (1,000) to Label 3 (250)" in wide.attrib["aria-label"]


def test_without_resampling_there_is_one_bar_a_label() -> None:
    once, twice = (label_counts_chart(_labels(3), resampled=resampled) for resampled in (False, True))
    bars = [
        sum("mark-rect" in element.get("class", "") for element in _drawings(chart)[0].iter())
        for chart in (once, twice)
    ]
    assert bars == [1, 2]
    assert "→" not in once


@pytest.mark.parametrize("n_labels", [MOST_NAMED_LABELS + 1, 1_000, 20_000])
def test_many_labels_stay_small(n_labels: int) -> None:
    chart = label_counts_chart(_labels(n_labels), resampled=True)
    assert len(chart) < 60_000
    assert not [text for drawing in _drawings(chart) for text in _texts(drawing) if "Label" in text]
    assert len(score_by_count_chart(_labels(n_labels))) < 150_000


def test_names_are_escaped() -> None:
    chart = label_counts_chart(_labels(1, '<script>&"\N{RIGHT-TO-LEFT OVERRIDE}'), resampled=False)
    assert "<script>" not in chart
    assert '<script>&"' in _texts(_drawings(chart)[0])[-2] + _texts(_drawings(chart)[0])[-1]


def test_counts_of_zero_and_no_labels_can_be_drawn() -> None:
    empty = [{"name": "none", "before": 0, "after": 0, "f1": None}]
    assert "none" in _texts(_drawings(label_counts_chart(empty, resampled=True))[0])
    assert _drawings(label_counts_chart([], resampled=True))
    assert _drawings(score_by_count_chart(empty))


def test_curves_are_two_lines_and_a_mark() -> None:
    (drawing,) = _drawings(curve_chart("loss", {"train": [2.0, 1.0, None], "validation": [2.5, 1.5, 1.75]}, 2))
    lines = [element for element in drawing.iter() if "mark-line" in element.get("class", "")]
    assert len(lines) == 2
    assert drawing.attrib["aria-label"] == (
        "Line chart: loss over 3 epochs; train from 2 to 1, validation from 2.5 to 1.75."
    )


def test_a_single_epoch_can_be_drawn() -> None:
    assert _drawings(curve_chart("loss", {"train": [2.0]}, None))


def test_same_figures_give_the_same_drawing_without_fonts_or_scripts() -> None:
    first, second = (label_counts_chart(_labels(30), resampled=True) for _ in range(2))
    assert first == second
    for forbidden in ("<script", "<style", "<image", "@font-face", "href", "url(", "id="):
        assert forbidden not in first


def test_lengths_are_columns_named_by_the_shortest_text() -> None:
    histogram = [{"first": 5, "last": 9, "rows": 3}, {"first": 1000, "last": 1999, "rows": 8}]
    wide, narrow = _drawings(length_chart(histogram))
    for drawing in (wide, narrow):
        assert {"5", "1k"} <= set(_texts(drawing))
        assert sum("mark-rect" in element.get("class", "") for element in drawing.iter()) == 1
    assert "most have 1,000–1,999" in wide.attrib["aria-label"]
