"""The context of sentences: those before and after each in its article, and the article's title."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from slugline.data.schema import Sentence
from slugline.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


class Context(NamedTuple):
    """What stands beside each of some sentences: three texts for each, "" where there is nothing.

    The sentences `before` and `after` are of the same article, debris too.
    """

    before: Sequence[str]
    after: Sequence[str]
    title: Sequence[str]

    def rows(self, chosen: slice) -> "Context":
        """Return the context of some of the sentences."""
        return Context(*(texts[chosen] for texts in self))


SIDES = Context._fields
_COLUMNS = {"before": "context_before", "after": "context_after"}  # of a frame; `title` is there already


def no_context(n_sentences: int) -> Context:
    """Return the context of sentences that stand alone."""
    return Context(*([""] * n_sentences for _ in SIDES))


def find_context(sentences: Sequence[Sentence], titles: Iterable[str | None]) -> Context:
    """Return the context of all sentences of some articles, in order; each comes with the title of its article.

    Examples
    --------
    >>> from slugline.data.sentences import split_text
    >>> find_context(split_text("A truce held. Rain fell."), ["News", "News"])
    Context(before=['', 'A truce held.'], after=['Rain fell.', ''], title=['News', 'News'])
    """
    texts = ["", *(sentence.text for sentence in sentences), ""]
    begins = [*(sentence.position == 0 for sentence in sentences), True]
    before = ["" if is_first else text for is_first, text in zip(begins, texts[:-2], strict=False)]
    after = ["" if is_last else text for is_last, text in zip(begins[1:], texts[2:], strict=True)]
    return Context(before, after, [title or "" for title in titles])


def add_context(sentences: "pd.DataFrame") -> "pd.DataFrame":
    """Return the sentences of whole articles with columns for their neighbours, so that some can be chosen afterwards.

    Sentences have the columns `article_id`, `position` and `text`.

    Raises
    ------
    InputError
        Where such a column is there already.
    """
    if taken := [name for name in _COLUMNS.values() if name in sentences]:
        raise InputError(
            f"context=neighbours: '{taken[0]}' is a column of the data; give it another name, or leave it out"
        )
    ordered = sentences.sort_values("position", kind="stable").groupby("article_id", sort=False)["text"]
    sides = {_COLUMNS["before"]: ordered.shift(1), _COLUMNS["after"]: ordered.shift(-1)}
    return sentences.assign(**{name: column.fillna("") for name, column in sides.items()})


def read_context(sentences: "pd.DataFrame") -> Context:
    """Return the context of sentences that have the columns of `add_context`, and maybe `title`."""
    before, after = (sentences[name].tolist() for name in _COLUMNS.values())
    titles = sentences["title"].tolist() if "title" in sentences else [None] * len(sentences)
    return Context(before, after, [title if isinstance(title, str) else "" for title in titles])


def drop_context(sentences: "pd.DataFrame") -> "pd.DataFrame":
    """Return sentences without the columns of `add_context`, if they have them."""
    return sentences.drop(columns=list(_COLUMNS.values()), errors="ignore")
