"""Heads: what cross-validation fits and decides, and a C that is left to the data."""

import numpy as np
import pytest
from scipy.sparse import csr_array, hstack, random_array
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC as SklearnLinearSVC

from slugline.errors import InputError
from slugline.scoring import average_precision
from slugline.svm import LinearSVC, estimator
from slugline.training import heads
from slugline.training.fold_features import FoldFeatures
from slugline.training.heads import Examples, fit_head


@pytest.fixture(scope="module")
def examples():
    """Return 400 noisy examples of three topics, in groups of four."""
    random = np.random.default_rng(0)
    X = csr_array(random_array((400, 60), density=0.15, rng=random, format="csr"))
    Y = X @ random.normal(size=(60, 3)) + random.normal(size=(400, 3)) > 0.6
    X = csr_array(
        hstack([X, np.eye(400)[:, :1]], format="csr")
    )  # a term that one has: min_df was 1, and folds keep all
    return Examples([X], ["l2"], Y, np.arange(400) // 4)


def macro_precision(examples, fitted):
    """Return macro average precision out of fold."""
    return np.mean([average_precision(y, p) for y, p in zip(examples.Y.T, fitted.probabilities.T, strict=True)])


def test_a_c_left_to_the_data_is_the_usual_one_unless_another_is_clearly_better(examples, monkeypatch):
    alone = {C: fit_head(LinearSVC(C=C, tol=1e-6, max_iter=100_000), examples) for C in heads.C_VALUES}
    scores = {C: macro_precision(examples, fitted) for C, fitted in alone.items()}
    best = max(scores, key=scores.get)
    assert best != 0.3

    monkeypatch.setattr(heads, "_MARGIN", scores[best] - scores[0.3] - 1e-6)
    chosen = fit_head(LinearSVC(C="auto", tol=1e-6, max_iter=100_000), examples)
    assert chosen.classifier.get_params()["C"] == best
    np.testing.assert_array_equal(chosen.probabilities, alone[best].probabilities)

    monkeypatch.setattr(heads, "_MARGIN", scores[best] - scores[0.3] + 1e-6)
    assert fit_head(LinearSVC(C="auto", tol=1e-6, max_iter=100_000), examples).classifier.C == 0.3


def test_other_classifiers_have_no_c_that_is_left_to_the_data(examples):
    with pytest.raises(InputError, match="model LogisticRegression cannot be fitted: The 'C' parameter"):
        fit_head(LogisticRegression(C="auto"), examples)


def test_numba_and_liblinear_decide_alike_in_all_folds(examples, monkeypatch):
    monkeypatch.setattr(estimator, "_FEW_VALUES", 0)
    options = {"tol": 1e-7, "max_iter": 1_000_000, "dual": True, "random_state": 0}
    ours, theirs = (fit_head(kind(C=0.3, **options), examples) for kind in (LinearSVC, SklearnLinearSVC))
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)  # features in 32 bits
    np.testing.assert_allclose(ours.head.weights, theirs.head.weights, atol=1e-4)


def test_a_fold_has_only_terms_that_its_own_sentences_have_often_enough():
    X = csr_array(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 1, 1.0]]))  # min_df was 2: the rarest term has 2
    learned, held_out = FoldFeatures([X], [None]).divide(np.array([False, False, False, True]))
    np.testing.assert_array_equal(learned.toarray(), [[1, 1, 0], [1, 1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(held_out.toarray(), [[1, 1, 0]])
    learned, held_out = FoldFeatures([X], [None], [False]).divide(np.array([False, False, False, True]))
    np.testing.assert_array_equal(np.vstack([learned.toarray(), held_out.toarray()]), X.toarray())
    assert FoldFeatures([csr_array((2, 0))], ["l2"]).divide(np.array([True, False]))[0].shape == (1, 0)
