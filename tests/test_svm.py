"""The quick support vector machine solves scikit-learn's problem, from wherever it starts."""

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, random_array
from sklearn import svm
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import check_estimator

from slugline.svm import LinearSVC, estimator

EXACT = {"tol": 1e-9, "max_iter": 1_000_000, "dual": True}


@pytest.fixture(autouse=True)
def always_quick(monkeypatch):
    """Fit few values by numba, too."""
    monkeypatch.setattr(estimator, "_FEW_VALUES", 0)


def make_problem(seed: int, samples: int = 120, classes: int = 2) -> tuple[csr_array, np.ndarray]:
    """Return sparse features (samples, 30) and classes (samples,) that depend on them, with noise."""
    random = np.random.default_rng(seed)
    X = csr_array(random_array((samples, 30), density=0.2, rng=random, format="csr"))
    scores = X @ random.normal(size=(30, classes)) + 0.3 * random.normal(size=(samples, classes))
    return X, np.array(["b", "a", "d", "c"])[scores.argmax(axis=1)]


def test_it_is_an_estimator_of_scikit_learn():
    check_estimator(LinearSVC(tol=1e-9, max_iter=1_000_000), on_skip=None)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 999),
    classes=st.integers(2, 4),
    C=st.sampled_from([0.01, 0.3, 1.0, 20.0]),
    fit_intercept=st.booleans(),
    intercept_scaling=st.sampled_from([0.5, 1.0, 3.0]),
    class_weight=st.sampled_from([None, "balanced", {"a": 3.0}]),
    weighted=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_it_has_the_solution_of_liblinear(seed, classes, weighted, dtype, **options):
    X, y = make_problem(seed, classes=classes)
    X = X.astype(dtype)
    weight = np.random.default_rng(seed).choice([0.0, 0.5, 2.0], len(y)) if weighted else None
    ours, theirs = (kind(**options, **EXACT).fit(X, y, weight) for kind in (LinearSVC, svm.LinearSVC))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-5)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
def test_at_a_usual_tolerance_decisions_are_as_near_as_those_of_other_seeds(C):
    X, y = make_problem(3, samples=2000)
    exact = svm.LinearSVC(C=C, **EXACT).fit(X, y).decision_function(X)
    seeds = [
        LinearSVC(C=C, dual=True, tol=0.003, max_iter=10_000, random_state=seed).fit(X, y).decision_function(X)
        for seed in range(5)
    ]
    assert max(abs(decisions - exact).max() for decisions in seeds) < 0.01


def test_equal_seeds_give_equal_bits_whatever_fits_beside_them():
    X, y = make_problem(0, samples=400)
    model = LinearSVC(random_state=7, tol=0.01)
    alone = clone(model).fit(X, y)
    from joblib import Parallel, delayed

    beside = Parallel(n_jobs=4, prefer="threads")(delayed(clone(model).fit)(X, y) for _ in range(12))
    assert all(np.array_equal(other.coef_, alone.coef_) for other in beside)


def test_too_few_passes_are_told():
    X, y = make_problem(0)
    with pytest.warns(ConvergenceWarning, match="increase the number of iterations"):
        LinearSVC(max_iter=1).fit(X, y)


def test_without_numba_liblinear_fits_and_says_nothing(monkeypatch):
    X, y = make_problem(0)
    monkeypatch.setattr(estimator, "_has_numba", lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = LinearSVC(random_state=0).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, svm.LinearSVC(random_state=0).fit(X, y).coef_)


def test_fits_of_liblinear_in_threads_do_not_disturb_each_other(monkeypatch):
    monkeypatch.setattr(estimator, "_has_numba", lambda: False)
    problems = [make_problem(seed, samples=2_000) for seed in range(4)] * 4

    def fit(problem):
        return LinearSVC(dual=True, random_state=0, tol=0.1).fit(*problem).coef_

    with ThreadPoolExecutor(4) as executor:
        for ours, alone in zip(executor.map(fit, problems), map(fit, problems), strict=True):
            np.testing.assert_array_equal(ours, alone)


@pytest.mark.parametrize(
    "options", [{"dual": False}, {"loss": "hinge", "dual": True}, {"penalty": "l1", "dual": False}]
)
def test_other_problems_are_liblinears(options):
    X, y = make_problem(0)
    assert not LinearSVC(**options).is_quick(X)
    np.testing.assert_array_equal(
        LinearSVC(random_state=0, **options).fit(X, y).coef_, svm.LinearSVC(random_state=0, **options).fit(X, y).coef_
    )


def test_numba_is_loaded_only_for_what_it_fits():
    code = "import sys, slugline.svm; slugline.svm.LinearSVC().fit([[0.0], [1.0]], [0, 1]); assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
