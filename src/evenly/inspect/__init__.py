"""Inspect: table -> ``checks/``, what people need to know of their texts before they train.

Texts that are there twice, nearly twice, with different labels, or that are their own label; labels that differ in
case or white space; texts that are in two of the splits that the table names itself. Two texts are the same when
they agree after Unicode NFKC, case folding and with every run of white space as one space.

``checks.json`` is a list of findings, always all of them and in this order, one object each:

=====================  =========================  ============================================================
`name`                 counts as `rows`           `cases`, and further keys
=====================  =========================  ============================================================
duplicate_texts        rows that repeat an        texts that are there more than once; `n_distinct`: texts
                       earlier text               there are; `n_agreeing`: rows with a copy whose labels all agree
commonest_text         rows with the commonest    1; `share`: of all rows
                       of the repeated texts
conflicting_labels     rows of a text that has    such texts; `n_unused`: rows left out by `on_conflict`;
                       two or more labelsets      `on_conflict`
near_duplicates        rows with a near but not   clusters of two or more texts; `threshold` (null: not looked
                       equal text elsewhere       for, then `rows` is 0)
near_conflicts         rows of such a cluster     such clusters
                       whose labels differ
                       between its texts
text_is_label          rows whose text is the     such texts
                       name of a label they hold
label_spellings        rows with such a label     names that agree but for case, white space or NFKC;
                                                  example: `spellings` [{`label`, `rows`}]
splits_share_texts     rows whose text is in two  such texts; example: `splits` [name per row]. Also
                       or more given splits       `given`: whether the table names splits at all
splits_share_near      the same for near texts    as above; rows that the entry above has are not counted again
splits_share_groups    the same for groups        as above, groups
short_texts            rows of one word or none   1 for each such text
long_texts             rows of more than 1,000    1 for each row; `limit`, `median`: words; example: `words`
                       words and ten times the    [number per row]
                       median
=====================  =========================  ============================================================

Every one has `name` str, `title` str (a few words), `sentence` str (what was found, what it means, what to do),
`rows` int, `cases` int, `severity` ("ok", "note" or "warning"; ok wherever `rows` is 0) and `examples`: up to 10
cases, those of most rows first, each with `n_rows` int (rows of the case), `rows` [up to 5 row numbers], `text`
(up to 300 characters, of the first row; several text columns are joined by " | "), `labels` [[label names] per
row] and, for near texts, `texts` [one per row] and `similarity` (Jaccard of the first two texts that differ).
"""

from __future__ import annotations

from evenly.inspect.checks import check_texts
from evenly.inspect.clusters import near_duplicates
from evenly.inspect.duplicates import same_texts
from evenly.inspect.words import text_words
from evenly.store import Stage

__all__ = ["CHECKS", "near_duplicates", "same_texts", "text_words"]

CHECKS = Stage("checks", 2, check_texts)
"""The stage `checks`: table -> ``checks/`` (format in `evenly.formats`)."""
