"""A topic model for those who have no Slugline: a plain scikit-learn pipeline, written by joblib or skops."""

import pickle
import zipfile
import zlib
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slugline.errors import InputError, listing
from slugline.files import write_atomically
from slugline.model.context_features import ContextFeatures
from slugline.model.features import Features
from slugline.model.heads import LinearHead
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import Vectorizer
from slugline.ngrams import HashingCounter

_FORMAT_OF_ENDING = {".skops": "skops"} | dict.fromkeys((".joblib", ".pkl", ".pickle"), "sklearn")


def write_model(model: TopicModel, file: Path, format: str | None = None) -> str:
    """Write a model with a linear head as a plain scikit-learn pipeline, whole or not at all; return the format.

    `format` is "sklearn" (by joblib: loading the file runs what is in it, as with any pickle) or "skops" (of types that
    skops trusts by itself); None chooses by the ending. The file takes the place of a model of before, never of
    anything else. Raises `InputError` if the model is not linear, the format or the ending unknown, or the file cannot
    be written.
    """
    chosen = format or _FORMAT_OF_ENDING.get(file.suffix.lower())
    if chosen is None:
        endings = listing(_FORMAT_OF_ENDING)
        raise InputError(
            f"output={file}: unknown ending; allowed: {endings}, or any with format=sklearn or format=skops"
        )
    if chosen not in ("sklearn", "skops"):
        raise InputError(f"format={chosen}; allowed: sklearn, skops")
    if file.is_dir():
        raise InputError(f"output={file}: cannot be written: Is a directory")
    if file.is_file() and file.stat().st_size and not _is_model(file):
        raise InputError(f"output={file} is there already and is no exported model; give another file")
    try:
        with write_atomically(file) as draft:
            _dump(to_sklearn(model), draft, chosen)
    except OSError as error:
        raise InputError(f"output={file}: cannot be written: {error.strerror}") from error
    return chosen


def _is_model(file: Path) -> bool:
    """Tell by its first bytes, which are not run, whether a file is a model by joblib or skops."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return "schema.json" in archive.namelist()  # as skops writes it
    with file.open("rb") as stream:
        head = stream.read(1024)
    with suppress(zlib.error):
        head = zlib.decompressobj().decompress(head, 1)
    return head[:1] == pickle.PROTO


def _dump(pipeline: Any, file: Path, format: str) -> None:
    """Write a scikit-learn pipeline by joblib or skops."""
    if format == "sklearn":
        import joblib

        joblib.dump(pipeline, file, compress=3)
    else:
        import skops.io

        with file.open("wb") as stream:
            skops.io.dump(pipeline, stream)


def to_sklearn(model: TopicModel) -> Any:
    """Return a fitted scikit-learn `Pipeline` that gives the model's probabilities and needs no Slugline.

    Its classifier's `classes_` are the topics, its `thresholds_` the model's. scikit-learn's `predict` does not use
    these: it cuts at 0.5, or takes the likeliest topic where the model is multiclass. With them the topics are those
    where `predict_proba(texts) >= thresholds_`, or `classes_[(predict_proba(texts) / thresholds_).argmax(axis=1)]`.
    Raises `InputError` if the head is not linear.
    """
    from sklearn.pipeline import FeatureUnion, Pipeline

    features = FeatureUnion([(part.name, _to_vectorizer(part)) for part in model.vectorizers])
    return Pipeline([("features", features), ("classifier", _to_classifier(model))])


def _to_vectorizer(vectorizer: Features) -> Any:
    """Return scikit-learn's own vectorizer, fitted."""
    if isinstance(vectorizer, ContextFeatures):
        problem = "context=neighbours cannot be exported, as scikit-learn is not given what stands beside a sentence"
        raise InputError(f"{problem}; use the model folder itself")
    if not isinstance(vectorizer, Vectorizer):
        problem = f"features.{vectorizer.name}: {vectorizer.kind} cannot be exported"
        raise InputError(f"{problem}; use the model folder itself")
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

    counter, weighing = vectorizer.counter, {"norm": vectorizer.norm, "binary": vectorizer.binary}
    # The options are named as in scikit-learn
    ngrams = asdict(counter.options) | {"stop_words": sorted(counter.options.stop_words) or None}
    if isinstance(counter, HashingCounter):
        sign = counter.alternate_sign
        return HashingVectorizer(**ngrams, **weighing, n_features=counter.n_features, alternate_sign=sign)

    use_idf = vectorizer.idf is not None
    if not use_idf and vectorizer.norm is None and not vectorizer.sublinear_tf:
        fitted = CountVectorizer(**ngrams, binary=vectorizer.binary)
    else:
        fitted = TfidfVectorizer(**ngrams, **weighing, use_idf=use_idf, sublinear_tf=vectorizer.sublinear_tf)
    fitted.vocabulary_ = {term: column for column, term in enumerate(vectorizer.terms())}
    fitted.fixed_vocabulary_ = False
    if use_idf:
        fitted.idf_ = vectorizer.idf
    return fitted


def _to_classifier(model: TopicModel) -> Any:
    """Return a fitted classifier with the weights of the model: a logistic regression per topic."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import LabelBinarizer

    head = model.head
    if not isinstance(head, LinearHead):
        kinds = sorted({type(estimator).__name__ for estimator in head.estimators})
        raise InputError(f"only linear models can be exported, not {', '.join(kinds)}; use the model folder itself")
    fitted = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    fitted.estimators_ = []
    for weights, intercept in zip(head.weights, head.intercept, strict=True):
        binary = LogisticRegression(solver="liblinear")
        binary.classes_, binary.n_features_in_, binary.n_iter_ = np.array([0, 1]), len(weights), np.array([0])
        binary.coef_, binary.intercept_ = weights[None].astype(np.float64), np.array([intercept])
        fitted.estimators_.append(binary)

    fitted.n_features_in_ = head.weights.shape[1]
    fitted.label_binarizer_ = labels = LabelBinarizer(sparse_output=True)
    fitted.classes_ = labels.classes_ = np.array(model.topics)
    labels.y_type_ = "multiclass" if model.mode == "multiclass" else "multilabel-indicator"
    labels.sparse_input_ = False
    fitted.thresholds_ = model.thresholds
    return fitted
