"""The groups of copies among the sentences of a corpus, as columns and as a table."""

import numpy as np
import pandas as pd

from slugline.cache import Stages, Values, digest, versions
from slugline.data.schema import GROUP_COLUMNS
from slugline.duplicates.articles import group_articles
from slugline.duplicates.texts import group_texts


def add_groups(sentences: pd.DataFrame, how: str, stages: Stages) -> pd.DataFrame:
    """Return sentences with `GROUP_COLUMNS`; near and exact copies are kept in the cache.

    Parameters
    ----------
    sentences : DataFrame
        With `text`, `article_id` and `debris`.
    how : {"near", "exact", "off"}
        See `group_texts`.
    stages : Stages
        Keeps the groups for the next run.
    """

    def find() -> Values:
        return {"groups": _find_groups(sentences, how)}

    if how == "off":
        return sentences.assign(**find()["groups"])
    key = {name: digest("\0".join(map(str, sentences[name]))) for name in ("text", "article_id", "debris")}
    groups = stages.run("duplicates", {"how": how, **key, **versions()}, find)["groups"]
    return sentences.assign(**{name: groups[name].to_numpy() for name in GROUP_COLUMNS})


def article_groups(sentences: pd.DataFrame) -> np.ndarray:
    """Return a number for each sentence, the same for all of an article and of its copies, shape (sentences,).

    Numbers are in the order of the sentences. Without `GROUP_COLUMNS` each article is a group; see `_take_apart`.
    """
    articles = pd.factorize(sentences["article_id"])[0]
    return _take_apart(sentences.get("article_group"), np.asarray(articles))


def sentence_groups(sentences: pd.DataFrame) -> np.ndarray:
    """Return a number for each sentence, the same for its copies; otherwise as `article_groups`."""
    return _take_apart(sentences.get("sentence_group"), np.arange(len(sentences)))


def list_copies(sentences: pd.DataFrame) -> pd.DataFrame:
    """Return the articles and sentences that have copies, one a row, those of a group together.

    Parameters
    ----------
    sentences : DataFrame
        With `GROUP_COLUMNS` and `split`.

    Returns
    -------
    DataFrame
        `kind` (article, sentence), `group`, `article_id`, `sentence_id` (of an article: ""), `split` (of an article:
        all parts that its sentences are in) and `text` (of an article: its first sentence).
    """
    columns = ["article_id", "sentence_id", "split", "text"]
    by_article = sentences.groupby("article_id", sort=False)
    articles = by_article.first().reset_index().assign(sentence_id="", split=by_article["split"].agg(_list_parts).array)
    tables = [
        _keep_copies(articles, "article_group").assign(kind="article"),
        _keep_copies(sentences, "sentence_group").assign(kind="sentence"),
    ]
    return pd.concat(tables, ignore_index=True)[["kind", "group", *columns]]


def count_copies(copies: pd.DataFrame) -> dict[str, int]:
    """Return how many articles and sentences of `list_copies` there are, and in how many groups."""
    counts: dict[str, int] = {}
    for kind in ("article", "sentence"):
        groups = copies["group"][copies["kind"] == kind]
        counts |= {f"copied_{kind}s": len(groups), f"{kind}_groups": groups.nunique()}
    return counts


def _find_groups(sentences: pd.DataFrame, how: str) -> pd.DataFrame:
    """Return the groups of each sentence and of its article."""
    texts = group_texts(sentences["text"].tolist(), how)
    articles = np.asarray(pd.factorize(sentences["article_id"])[0])
    lengths = np.where(sentences["debris"], 0, sentences["text"].str.len())
    groups = np.arange(articles.max(initial=-1) + 1) if how == "off" else group_articles(articles, texts, lengths)
    return pd.DataFrame({"sentence_group": texts, "article_group": groups[articles]})


def _keep_copies(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of which the group has another one, by group."""
    return (
        rows[rows[column].duplicated(keep=False)].rename(columns={column: "group"}).sort_values("group", kind="stable")
    )


def _list_parts(parts: pd.Series) -> str:
    """Return the parts that sentences are in, each once."""
    return ", ".join(dict.fromkeys(parts))


def _take_apart(groups: pd.Series | None, units: np.ndarray) -> np.ndarray:
    """Return groups, but each unit by itself in a group of more than half of the rows.

    Such a group is how a corpus is written, and could not be divided into parts; that they share it is reported.
    """
    if groups is None:
        return units
    numbers = groups.to_numpy()
    too_large = np.bincount(numbers)[numbers] > len(numbers) / 2
    return np.asarray(pd.factorize(np.where(too_large, -1 - units, numbers))[0])
