"""The most confident mistakes of a model, and what led to them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.data.context import Context, read_context
from slugline.duplicates import article_groups
from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import side_by_side, transform_all
from slugline.training.judged import CROSS_VALIDATED
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

    beside = pd.DataFrame([neighbours.get(place, ("", "")) for place in places], columns=["before", "after"])
    mistakes = pd.DataFrame(rows, columns=["topic", "kind", "probability", "threshold"]).assign(
        sentence_id=sentences["sentence_id"].to_list(),
        article_id=sentences["article_id"].to_list(),
        text=texts,
        labels=[", ".join(labels) for labels in sentences["labels"]],
    )
    read = read_context(sentences) if run.model.reads_context else None
    X = transform_all(run.model.vectorizers, texts, read)
    mistakes["terms"] = _driving_terms(run.model, X, texts, read, mistakes["topic"].tolist())
    return mistakes.join(beside).join(_nearest_in_train(run, X, [row["position"] for row in rows]))[_COLUMNS]


def _surest(run: TrainingRun, limit: int) -> Iterator[dict[str, Any]]:
    """Yield topic, kind, probability, threshold and position in the dataset of the most confident mistakes."""
    positions, model = np.flatnonzero(run.judged.rows), run.model
    P, decided, Y = run.judged.probabilities, run.judged.decided, run.dataset.Y[positions]

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


def _nearest_in_train(run: TrainingRun, X: csr_array, positions: Sequence[int]) -> pd.DataFrame:
    """Return the training sentence most like each row of features, its labels, and how similar it is, from 0 to 1.

    `positions` are those of the rows in the dataset. Cross-validated ones are in train too: none of their own article
    is taken.
    """
    train = run.dataset.sentences[run.dataset.rows("train")]
    if not run.train_features or not X.shape[0]:
        return pd.DataFrame({"nearest": "", "nearest_labels": "", "similarity": np.nan}, index=range(X.shape[0]))

    known = _to_unit_rows(side_by_side(run.train_features))
    similarities = (_to_unit_rows(X) @ known.T).toarray()
    if run.part == CROSS_VALIDATED:
        groups = article_groups(run.dataset.sentences)
        similarities[groups[positions][:, None] == groups[run.dataset.rows("train")]] = -1.0
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


def _driving_terms(
    model: TopicModel, X: csr_array, texts: Sequence[str], context: Context | None, topics: Sequence[str]
) -> list[str]:
    """Return for each text the terms that moved its topic most, with their share of the topic's log-odds."""
    if not isinstance(model.head, LinearHead):
        return [""] * len(texts)
    # A text may be wrong about several topics: it is taken apart once
    rows_by_text: dict[tuple[str, ...], list[int]] = {}
    for row, read in enumerate(zip(texts, *(context or ()), strict=True)):
        rows_by_text.setdefault(read, []).append(row)

    terms = [""] * len(texts)
    for (text, *beside), rows in rows_by_text.items():
        its_context = Context(*([other] for other in beside)) if beside else None
        asked = [topics[row] for row in rows]
        explanation = model.explain_features(text, X[rows[:1]], topics=asked, context=its_context)
        for row in rows:
            shares = explanation[topics[row]].items()
            terms[row] = ", ".join(f"{term} {share:+.2f}" for term, share in shares if term != "(intercept)")
    return terms
