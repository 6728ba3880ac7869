"""Lines that a source puts around its articles, learnt from repetition; and what cleaning found, as a table."""

from collections.abc import Mapping, Set

import pandas as pd

from slugline.data.cleaning import BOILERPLATE, DEFAULT_STEPS
from slugline.data.debris import debris_step
from slugline.data.sentences import normal_form

_MIN_ARTICLES = 5  # of a source, that have a line
_MIN_SHARE = 0.02  # of the articles of the source
_COLUMNS = ["step", "article_id", "sentence_id", "text"]


def find_boilerplate(sentences: pd.DataFrame, articles: pd.DataFrame) -> pd.Series:
    """Return for each sentence whether enough articles of its source have it, capitals and marks aside.

    Enough are 5, and 2 % of the source's articles; those that name no source are one.
    """
    source_of = articles["source"].astype(object).where(articles["source"].notna(), "")
    sources = sentences["article_id"].map(dict(zip(articles["article_id"], source_of, strict=True)))
    lines = pd.DataFrame(
        {"source": sources, "line": sentences["text"].map(normal_form), "article": sentences["article_id"]}
    )
    having = lines.groupby(["source", "line"])["article"].transform("nunique")
    all_of_source = sources.map(source_of.value_counts())
    return (having >= _MIN_ARTICLES) & (having >= _MIN_SHARE * all_of_source)


def list_cleaned(
    cleaned: Mapping[str, list[str]], sentences: pd.DataFrame, steps: Set[str] = DEFAULT_STEPS
) -> pd.DataFrame:
    """Return what cleaning found: a row for each step and article whose text it changed, or sentence that it marked.

    `steps` are those of cleaning that were taken. Columns `step, article_id, sentence_id, text`; the last two are of
    sentences marked as debris.
    """
    texts = [(step, article_id, None, None) for step, article_ids in cleaned.items() for article_id in article_ids]
    debris = sentences[sentences["debris"]]
    marked = [
        (debris_step(text, steps) or BOILERPLATE, article_id, key, text)
        for article_id, key, text in debris[_COLUMNS[1:]].itertuples(index=False)
    ]
    return pd.DataFrame([*texts, *marked], columns=_COLUMNS, dtype=object)
