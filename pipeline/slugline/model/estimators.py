"""Heads of classifiers that are not linear: one fitted scikit-learn estimator per topic, all in one skops file."""

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import skops.io
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator

from slugline.errors import InputError, listing, one_line
from slugline.model.checked_files import read_array, regular_file
from slugline.model.estimator_checks import check_estimators, type_name
from slugline.model.heads import EstimatorHead
from slugline.model.skops_audit import CLASSIFIERS, SCHEMA, TRUSTED, RefusedError, audit, refuse_unless

_FILE = "head.skops"
_ONLY_FOR_TRAINING = frozenset({"_loss", "_optimizer"})  # `_loss` is created again when a model is loaded


def save_estimators(head: EstimatorHead, folder: Path) -> None:
    """Write a head into the folder of a model; raise `InputError` for a classifier that could not be loaded again."""
    for estimator in head.estimators:
        check_can_be_saved(estimator)
    data = _compact(skops.io.dumps([_strip(estimator) for estimator in head.estimators]))
    try:
        audit(data, head.estimators[0].n_features_in_)
    except RefusedError as error:
        raise InputError(f"model {type(head.estimators[0]).__name__} cannot be saved: {error}") from error

    (folder / _FILE).write_bytes(data)
    np.save(folder / "slope.npy", head.slope.astype(np.float64))
    np.save(folder / "offset.npy", head.offset.astype(np.float64))


def load_estimators(folder: Path, n_topics: int, n_features: int) -> EstimatorHead:
    """Read a head from the folder of a model: audit the file, make the objects, check them.

    Raises `InputError` for anything that is not allowed.
    """
    slope = read_array(folder, "slope.npy", np.float64, (n_topics,))
    offset = read_array(folder, "offset.npy", np.float64, (n_topics,))
    data = regular_file(folder, _FILE).read_bytes()
    try:
        audit(data, n_features)
        estimators = skops.io.loads(data, trusted=TRUSTED)
        check_estimators(estimators, n_topics, n_features)
        head = EstimatorHead(estimators, slope, offset)

        # One sentence without any term, to see that it predicts at all
        log_odds = head.log_odds(csr_array((1, n_features)))
        is_sound = log_odds.shape == (1, n_topics) and bool(np.isfinite(log_odds).all())
        refuse_unless(is_sound, "its classifiers give no numbers")
    except Exception as error:  # a file from a stranger may fail anywhere in skops, NumPy, SciPy and scikit-learn
        raise InputError(f"model {folder}: {_FILE} is refused: {one_line(error, 160)}") from error
    return head


def check_can_be_saved(classifier: Any) -> None:
    """Raise `InputError` unless a classifier, and those inside it, are of a type that a model may hold."""
    for part in (classifier, *classifier.get_params().values()):
        if hasattr(part, "fit") and type_name(type(part)) not in CLASSIFIERS:
            allowed = listing(sorted(name.rpartition(".")[2] for name in CLASSIFIERS), 40)
            raise InputError(
                f"model {type(part).__name__} cannot be saved; allowed: all linear ones (with `coef_`) and {allowed}"
            )


def _strip(value: Any) -> Any:
    """Return a copy of a fitted estimator without what only training needs: random states, optimisers, losses."""
    if isinstance(value, np.random.RandomState):
        return None
    if isinstance(value, list):
        return [_strip(item) for item in value]
    if type(value) is dict:  # a copy: one dict in two places would be written as two nodes with one number
        return {key: _strip(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        copied = np.empty_like(value)
        copied[...] = np.reshape([_strip(item) for item in value.flat], value.shape)
        return copied
    if isinstance(value, BaseEstimator):
        bare = object.__new__(type(value))
        kept = {name: item for name, item in vars(value).items() if name not in _ONLY_FOR_TRAINING}
        vars(bare).update({name: _strip(item) for name, item in kept.items()})
        return bare
    return value


def _compact(data: bytes) -> bytes:
    """Return a skops file without the indentation of its schema, which is most of the file of a forest."""
    stream = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as archive, ZipFile(stream, "w") as compacted:
        for name in archive.namelist():
            raw = archive.read(name)
            if name == SCHEMA:
                raw = json.dumps(json.loads(raw), separators=(",", ":")).encode()
            compacted.writestr(name, raw)
    return stream.getvalue()
