"""Splice: a text made of two, so that people can read what a synthetic row says.

In bag-of-words space the result is x_seed + u (x_reference - x_seed) in expectation, which is MLSMOTE's formula.
"""

from __future__ import annotations

from evenly.resample.units import is_undivided, needs_space, sentences, smallest_units

__all__ = ["splice"]


def splice(seed_text: str, reference_text: str, share: float, position: float) -> str:
    """Put a span of the reference in the place of the seed's span at the same relative position.

    The span is `share` of the units of each text, at least one, and begins at `position`. Units are sentences where
    both texts have two or more, else words; a text that is one overlong word, or of a script without
    spaces, is cut into characters. White space within the spans stays as it is; where two spans meet there is some.

    Parameters
    ----------
    seed_text, reference_text
        Any text. Where one of them is empty or white space, the result is the seed's.
    share
        In [0, 1].
    position
        In [0, 1 - share].

    Examples
    --------
    >>> splice("one two three four", "a b c d", share=0.5, position=0.25)
    'one b c four'
    >>> splice("It rained. We stayed in. He read.", "Snow fell! They left. All was quiet.", 0.3, 0.4)
    'It rained. They left. He read.'
    """
    seed_text, reference_text = seed_text.strip(), reference_text.strip()
    if not seed_text or not reference_text:
        return seed_text
    seed, reference = sentences(seed_text), sentences(reference_text)
    if min(len(seed), len(reference)) < 2:  # noqa: PLR2004 - one sentence is the whole text
        seed, reference = smallest_units(seed_text), smallest_units(reference_text)
    begin, end = _span(len(seed), share, position)
    first, last = _span(len(reference), share, position)
    pieces = ["".join(seed[:begin]), "".join(reference[first:last]), "".join(seed[end:])]
    spaced = not (is_undivided(seed_text) and is_undivided(reference_text))
    return _join([piece for piece in pieces if piece], spaced=spaced).strip()


def _span(n_units: int, share: float, position: float) -> tuple[int, int]:
    """Return begin and end of the span: `share` of the units, at least one, within the text."""
    size = min(n_units, max(1, round(share * n_units)))
    begin = min(int(position * n_units), n_units - size)
    return begin, begin + size


def _join(pieces: list[str], *, spaced: bool) -> str:
    joined = pieces[0]
    for piece in pieces[1:]:
        joined += f" {piece}" if spaced and needs_space(joined, piece) else piece
    return joined
