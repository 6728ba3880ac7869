"""The most confident mistakes of a model, and what led to them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import transform_all
from slugline.training.run import TrainingRun

_KINDS = {"false positive": True, "false negative": False}  # was the topic given?
_COLUMNS = [
    *("topic", "kind", "probability", "threshold", "sentence_id", "article_id", "before", "text", "after"),
    *("labels", "terms", "nearest", "nearest_labels", "similarity"),
]


def find_mistakes(run: TrainingRun, limit: int = 3) -> pd.DataFrame:
    """Find the most confident mistakes of each topic on the part that the model is judged by.

    Parameters
    ----------
    run : TrainingRun
        The run whose model is looked at.
    limit : int, default 3
        How many of each kind and topic.

    Returns
    -------
    DataFrame
        A mistake a row, by topic and kind, the most confident first: `topic, kind` (false positive or false negative),
        `probability, threshold, sentence_id, article_id, text` and true `labels`; `before` and `after`, its neighbours
        in the article; `terms`, which moved the topic most ("" where the model is not linear); `nearest`, the training
        sentence with the highest cosine similarity of features, with `nearest_labels` and `similarity`: "" and NaN
        where the dataset holds no training sentences, as after training out of core.
    """
    rows = list(_surest(run, limit))
    sentences = run.dataset.sentences.iloc[[row["position"] for row in rows]]
    texts = [str(text) for text in sentences["text"]]
    neighbours = _neighbours(run.dataset.sentences)
    places = zip(sentences["article_id"], sentences["position"], strict=True)

    context = pd.DataFrame([neighbours.get(place, ("", "")) for place in places], columns=["before", "after"])
    mistakes = pd.DataFrame(rows, columns=["topic", "kind", "probability", "threshold"]).assign(
        sentence_id=sentences["sentence_id"].to_list(),
        article_id=sentences["article_id"].to_list(),
        text=texts,
        labels=[", ".join(labels) for labels in sentences["labels"]],
    )
    mistakes["terms"] = [
        _driving_terms(run.model, text, topic) for text, topic in zip(texts, mistakes["topic"], strict=True)
    ]
    return mistakes.join(context).join(_nearest_in_train(run, texts))[_COLUMNS]


def _surest(run: TrainingRun, limit: int) -> Iterator[dict[str, Any]]:
    """Yield topic, kind, probability, threshold and position in the dataset of the most confident mistakes."""
    positions = np.flatnonzero(run.dataset.rows(run.part))
    P, Y, model = run.probabilities[positions], run.dataset.Y[positions], run.model
    decided = model.decide(P)

    for column, topic in enumerate(model.topics):
        for kind, given in _KINDS.items():
            wrong = np.flatnonzero((decided[:, column] == given) & (Y[:, column] != given))
            doubt = -P[wrong, column] if given else P[wrong, column]
            for row in wrong[np.argsort(doubt, kind="stable")][:limit]:
                yield {
                    "topic": topic,
                    "kind": kind,
                    "probability": float(P[row, column]),
                    "threshold": float(model.thresholds[column]),
                    "position": int(positions[row]),
                }


def _nearest_in_train(run: TrainingRun, texts: Sequence[str]) -> pd.DataFrame:
    """Return the training sentence that is most like each text, its labels, and how similar it is, from 0 to 1."""
    train = run.dataset.sentences[run.dataset.rows("train")]
    if train.empty or not texts:
        return pd.DataFrame({"nearest": "", "nearest_labels": "", "similarity": np.nan}, index=range(len(texts)))

    vectorizers = run.model.vectorizers
    known = _to_unit_rows(transform_all(vectorizers, list(train["text"])))
    similarities = (_to_unit_rows(transform_all(vectorizers, list(texts))) @ known.T).toarray()
    nearest = train.iloc[similarities.argmax(axis=1)]
    return pd.DataFrame(
        {
            "nearest": nearest["text"].to_list(),
            "nearest_labels": [", ".join(labels) for labels in nearest["labels"]],
            "similarity": similarities.max(axis=1),
        }
    )


def _to_unit_rows(X: csr_array) -> csr_array:
    """Return rows scaled to length 1; empty ones stay."""
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return csr_array(X.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]))


def _neighbours(sentences: pd.DataFrame) -> dict[tuple[str, int], tuple[str, str]]:
    """Return the texts before and after each sentence in its article, by article and position; "" for none."""
    places = zip(sentences["article_id"], sentences["position"].astype(int), strict=True)
    text = dict(zip(places, sentences["text"], strict=True))
    return {(article, n): (text.get((article, n - 1), ""), text.get((article, n + 1), "")) for article, n in text}


def _driving_terms(model: TopicModel, text: str, topic: str) -> str:
    """Return the terms that moved a topic most, with their share of its log-odds."""
    if not isinstance(model.head, LinearHead):
        return ""
    shares = model.explain(text, topics=[topic])[topic]
    return ", ".join(f"{term} {share:+.2f}" for term, share in shares.items() if term != "(intercept)")
