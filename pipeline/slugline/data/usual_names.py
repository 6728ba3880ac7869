"""The names that people give to columns, so that a table of theirs is read without naming any."""

from collections.abc import Iterable

# The best-known first; capitals, blanks, `_` and `-` make no difference
_ARTICLE_ID = "article_id, doc_id, document_id, story_id, news_id, article_no, article_number, doc, document"
_PUBLISHED = "published, date, published_at, publication_date, publish_date, pub_date, datetime, timestamp"
_LANGUAGE = "language, lang, locale"
OF_SENTENCES = {
    "text": (
        "text, sentence, content, body, sentence_text, sent_text, sentences, texts, snippet, paragraph, message, "
        "document_text, article_text, full_text, title_text, article, headline, title"
    ),
    "labels": (
        "labels, label, topics, topic, categories, category, classes, class, tags, tag, annotations, annotation, "
        "targets, target, cats, sent_labels, gold_labels, gold_label, label_text, label_name, classification, theme, y"
    ),
    "article_id": _ARTICLE_ID,
    "split": "split, part, subset",
    "published": _PUBLISHED,
    "language": _LANGUAGE,
}
OF_ARTICLES = {
    "article_id": _ARTICLE_ID,
    "title": "title, headline, heading, article_title",
    "text": "text, body, content, article_text, full_text, main_text, article_body, body_text, article, story",
    "published": f"{_PUBLISHED}, date_published, created_at, time",
    "source": "source, publisher, outlet, newspaper, publication, media, source_name, site, domain",
    "url": "url, link, web_url, source_url, href, uri",
    "language": _LANGUAGE,
}


def find_usual(names: Iterable[str], usual: str) -> list[str]:
    """Return those of some names of columns that are usual, the best-known first.

    Examples
    --------
    >>> find_usual(["id", "Pub Date", "date"], OF_ARTICLES["published"])
    ['date', 'Pub Date']
    """
    known = [normal(name) for name in usual.split(", ")]
    return sorted((name for name in names if normal(name) in known), key=lambda name: known.index(normal(name)))


def is_usual(name: str, usual: str) -> bool:
    """Tell whether the name of a column is usual."""
    return bool(find_usual([name], usual))


def normal(name: object) -> str:
    """Return a column's name without what makes no difference."""
    return "".join(sign for sign in str(name).casefold() if sign.isalnum())
