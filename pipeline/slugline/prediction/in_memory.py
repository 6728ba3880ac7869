"""Prediction in memory: articles as Python objects, sentences with their topics as a pandas frame."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slugline.data.articles import article_columns, to_article
from slugline.data.schema import Article, Rejected
from slugline.errors import InputError
from slugline.model import TopicModel
from slugline.prediction.batches import label_articles
from slugline.prediction.records import check_topics

if TYPE_CHECKING:
    import pandas as pd

_ArticleLike = str | Mapping[str, Any] | Article


def predict_articles(
    model: TopicModel, articles: "Iterable[_ArticleLike] | pd.DataFrame", *, split_sentences: bool = True
) -> "pd.DataFrame":
    """Label the sentences of articles; ids, topics and probabilities are those of `slugline predict`.

    Parameters
    ----------
    model : TopicModel
        A fitted model, such as `slugline.load_model` returns.
    articles : iterable of str, mapping or Article, or DataFrame
        Texts; mappings or rows with a `text` and any other article columns; or articles that a reader returned, which
        are used unchanged. The `article_id` of one without is its number in the input, counted from 0.
    split_sentences : bool, default True
        Whether to split articles into sentences; with False each article is one sentence.

    Returns
    -------
    DataFrame
        A row per sentence: the columns of sentences; `published`, `source`, `title` and `url` of their article, None
        where unknown; `topics` (a tuple, empty for debris); and the probability of each topic in a column of its name.

    Raises
    ------
    InputError
        For an article without a text, an `article_id` given twice, or a model with a topic named like another column.

    Examples
    --------
    With a model trained on the sample:

    >>> from slugline import load_model
    >>> model = load_model("models:/slugline@champion")  # doctest: +SKIP
    >>> table = predict_articles(model, ["Rebels agreed to a ceasefire. The talks begin on Monday."])  # doctest: +SKIP
    >>> table[["text", "topics", "ceasefire"]]  # doctest: +SKIP
                                text                              topics  ceasefire
    0  Rebels agreed to a ceasefire.  (ceasefire, agreement, concession)   0.999993
    1     The talks begin on Monday.                     (consultation,)   0.002066
    """
    check_topics(model.topics)
    complete_articles = [_to_article(row, number) for number, row in enumerate(_to_rows(articles))]
    _check_ids(complete_articles)
    return label_articles(model, complete_articles, split_sentences).to_frame()


def _check_ids(articles: Sequence[Article]) -> None:
    """Raise `InputError` where two articles have one id."""
    first: dict[str, int] = {}
    for number, article in enumerate(articles):
        if (earlier := first.setdefault(article.article_id, number)) != number:
            raise InputError(
                f"article {number}: article_id '{article.article_id}' is that of article {earlier} already"
            )


def _to_rows(articles: "Iterable[_ArticleLike] | pd.DataFrame") -> "Iterable[_ArticleLike]":
    """Return articles one by one, the rows of a frame as mappings whose missing cells are None."""
    import pandas as pd

    if isinstance(articles, str):
        raise TypeError("articles is one string; give a list of texts")
    if not isinstance(articles, pd.DataFrame):
        return articles
    cells = articles.astype(object)
    rows: list[dict[Any, Any]] = cells.where(cells.notna(), None).to_dict(orient="records")
    return rows


def _to_article(row: _ArticleLike, number: int) -> Article:
    """Return the article of a row as the readers of files would; raise `InputError` where it has no text."""
    if isinstance(row, Article):
        return row
    cells = row if isinstance(row, Mapping) else {"text": row}
    article = to_article(cells, str(number), article_columns({}))
    if isinstance(article, Rejected):
        raise InputError(f"article {number}: {article.reason}")
    return article
