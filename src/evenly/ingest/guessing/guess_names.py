"""What column names tell about what a column holds.

Names are split into words ("airline_sentiment", "SentimentText") before they are compared.
"""

from __future__ import annotations

import re

__all__ = [
    "GROUP_NAMES",
    "LABEL_NAMES",
    "NEVER_LABELS",
    "NEVER_TEXT",
    "SPLIT_NAMES",
    "TEXT_NAMES",
    "TITLE_NAMES",
    "split_words",
]

TEXT_NAMES = frozenset(
    [
        "abstract",
        "article",
        "body",
        "caption",
        "comment",
        "comments",
        "content",
        "description",
        "document",
        "lyrics",
        "message",
        "overview",
        "paragraph",
        "passage",
        "plot",
        "post",
        "prompt",
        "query",
        "question",
        "resume",
        "review",
        "sentence",
        "snippet",
        "statement",
        "story",
        "summary",
        "synopsis",
        "text",
        "tweet",
        "utterance",
    ]
)
TITLE_NAMES = frozenset({"headline", "subject", "tagline", "title"})
NEVER_TEXT = frozenset(
    [
        "actor",
        "actors",
        "address",
        "author",
        "by",
        "cast",
        "casts",
        "city",
        "company",
        "companies",
        "countries",
        "country",
        "created",
        "date",
        "director",
        "email",
        "file",
        "filename",
        "genre",
        "genres",
        "homepage",
        "id",
        "ids",
        "key",
        "keyword",
        "keywords",
        "label",
        "labels",
        "language",
        "link",
        "location",
        "name",
        "path",
        "tag",
        "tags",
        "time",
        "timestamp",
        "timezone",
        "uri",
        "url",
        "user",
        "username",
        "uuid",
        "writer",
    ]
)
# In the order in which they are believed.
LABEL_NAMES = (
    ("labels", "label", "lable", "target", "targets", "class", "classes", "category", "categories", "genre", "genres"),
    ("tags", "tag", "topic", "topics", "sentiment", "emotion", "emotions", "intent", "listed", "annotation"),
    ("subtask", "choose", "choice", "answer", "polarity", "stance", "toxic", "toxicity", "hate", "spam", "verdict"),
    ("keywords", "kind", "subject", "department", "type", "stars", "rating", "score"),
)
NEVER_LABELS = frozenset(
    [
        "author",
        "by",
        "confidence",
        "count",
        "created",
        "date",
        "director",
        "id",
        "ids",
        "judgment",
        "judgments",
        "language",
        "location",
        "name",
        "state",
        "text",
        "time",
        "timestamp",
        "timezone",
        "title",
        "trusted",
        "url",
        "user",
        "username",
        "uuid",
        "year",
    ]
)
GROUP_NAMES = frozenset(
    [
        "group",
        "group_id",
        "conversation_id",
        "dialogue_id",
        "doc_id",
        "document_id",
        "patient_id",
        "subject_id",
        "thread_id",
    ]
)
SPLIT_NAMES = frozenset({"fold", "partition", "set", "split", "subset"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def split_words(name: str) -> frozenset[str]:
    """Return the words of a column name, lower case: ``{"airline", "sentiment"}`` for ``airline_sentiment``."""
    return frozenset(word.lower() for word in _WORD.findall(name))
