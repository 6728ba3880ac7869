"""The mistakes of which a model is most sure, and what led it there."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.dataset import Dataset
from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import transform_all
from slugline.training.run import TrainingRun

MOST = 3  # mistakes of each kind and topic
KINDS = {"false positive": True, "false negative": False}
COLUMNS = ("topic", "kind", "probability", "threshold", "sentence_id", "article_id", "before", "text", "after")
MORE_COLUMNS = ("labels", "terms", "nearest", "nearest_labels", "similarity")


def find_mistakes(run: TrainingRun, most: int = MOST) -> pd.DataFrame:
    """Return the most confident mistakes of each topic on the part that counts, a row each.

    `before` and `after` are the neighbours in the article, `terms` those that moved the topic most (none for a model
    not linear), `nearest` the training sentence with the highest cosine similarity of features, with its labels.
    """
    rows = list(_surest(run, most))
    sentences = run.dataset.sentences
    texts = [str(sentences["text"].iloc[row["place"]]) for row in rows]
    near = _nearest(run.dataset, run.model, texts)
    context = _neighbours(sentences)
    for row, text, (place, similarity) in zip(rows, texts, near, strict=True):
        sentence, close = sentences.iloc[row.pop("place")], sentences.iloc[place]
        before, after = context.get((sentence["article_id"], sentence["position"]), ("", ""))
        row |= {"sentence_id": sentence["sentence_id"], "article_id": sentence["article_id"]}
        row |= {"before": before, "text": text, "after": after, "labels": ", ".join(sentence["labels"])}
        row |= {"terms": _driving_terms(run.model, text, row["topic"])}
        row |= {"nearest": close["text"], "nearest_labels": ", ".join(close["labels"]), "similarity": similarity}
    return pd.DataFrame(rows, columns=[*COLUMNS, *MORE_COLUMNS])


def _surest(run: TrainingRun, most: int) -> Iterator[dict[str, Any]]:
    """Yield topic, kind, probability, threshold and place of the most confident mistakes."""
    places = np.flatnonzero(run.dataset.rows(run.part))
    P, model = run.probabilities[places], run.model
    decided = model.decide(P)
    for column, topic in enumerate(model.topics):
        for kind, given in KINDS.items():
            wrong = np.flatnonzero((decided[:, column] == given) & (run.dataset.Y[places, column] != given))
            sure = wrong[np.argsort(-P[wrong, column] if given else P[wrong, column], kind="stable")][:most]
            for row in sure:
                yield {
                    "topic": topic,
                    "kind": kind,
                    "probability": float(P[row, column]),
                    "threshold": float(model.thresholds[column]),
                    "place": int(places[row]),
                }


def _nearest(dataset: Dataset, model: TopicModel, texts: Sequence[str]) -> list[tuple[int, float]]:
    """Return for each text the place of the training sentence that is most like it, and how much, from 0 to 1."""
    if not texts:
        return []
    train = np.flatnonzero(dataset.rows("train"))
    known = _unit(transform_all(model.vectorizers, list(dataset.sentences["text"].iloc[train])))
    similar = (_unit(transform_all(model.vectorizers, list(texts))) @ known.T).toarray()
    best = similar.argmax(axis=1)
    return [(int(train[place]), float(similar[row, place])) for row, place in enumerate(best)]


def _unit(X: csr_array) -> csr_array:
    """Return rows scaled to length 1; empty ones stay."""
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return csr_array(X.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]))


def _neighbours(sentences: pd.DataFrame) -> dict[tuple[str, int], tuple[str, str]]:
    """Return the texts before and after each sentence in its article, by article and position; "" for none."""
    places = zip(sentences["article_id"], sentences["position"].astype(int), strict=True)
    text = dict(zip(places, sentences["text"], strict=True))
    return {(key, n): (text.get((key, n - 1), ""), text.get((key, n + 1), "")) for key, n in text}


def _driving_terms(model: TopicModel, text: str, topic: str) -> str:
    """Return the terms that moved a topic most, with their share of its log-odds."""
    if not isinstance(model.head, LinearHead):
        return ""
    found = model.explain(text, topics=[topic])[topic]
    return ", ".join(f"{term} {value:+.2f}" for term, value in found.items() if term != "(intercept)")
