"""IndiaPoliceEvents with probabilities of sentences from models that did not see their article, for other studies."""

import json
from typing import NamedTuple

import numpy as np
from benchmark import DATA, FEATURES, TOPICS, read

from slugline.ngrams import TfidfVectorizer


class Sentences(NamedTuple):
    """Texts, labels (sentences, topics), and the number and the day of each sentence's article."""

    texts: list[str]
    Y: np.ndarray
    article: np.ndarray
    day: np.ndarray


def load() -> Sentences:
    """Return all sentences, those of an article together."""
    rows = sorted(read(), key=lambda row: (row["doc_id"], row["sent_id"]))
    lines = (DATA / "india_police_events/metadata.jsonl").read_text(encoding="utf-8").splitlines()
    days = {found["doc_id"]: found["date"] for found in map(json.loads, lines)}
    return Sentences(
        [" ".join(row["sent_text"].split()) or "-" for row in rows],
        np.array([[topic in row["sent_labels"] for topic in TOPICS] for row in rows]),
        np.unique([row["doc_id"] for row in rows], return_inverse=True)[1],
        np.array([days[row["doc_id"]] for row in rows]),
    )


def fit(sentences: Sentences, train: np.ndarray, features: tuple[str, ...] = tuple(FEATURES)) -> np.ndarray:
    """Return probabilities (sentences, topics): out of fold for the sentences of `train`, of the fitted model for others."""
    from sklearn.svm import LinearSVC

    from slugline.model.heads import to_probabilities
    from slugline.model.vectorizers import from_estimator, transform_all
    from slugline.training.fold_features import Block
    from slugline.training.heads import Examples, fit_head

    texts = np.array(sentences.texts, dtype=object)
    fitted = [TfidfVectorizer(**FEATURES[name]) for name in features]
    blocks = [Block(one.fit_transform(list(texts[train])), "l2", one.min_df) for one in fitted]
    classifier = LinearSVC(C=0.3, tol=0.01, random_state=0)
    examples = Examples(blocks, sentences.Y[train], sentences.article[train])
    found = fit_head(classifier, examples)
    P = np.empty(sentences.Y.shape)
    P[train] = found.probabilities
    if not train.all():
        vectorizers = tuple(from_estimator(name, one) for name, one in zip(features, fitted, strict=True))
        P[~train] = to_probabilities(found.head.log_odds(transform_all(vectorizers, list(texts[~train]))), "multilabel")
    return P
