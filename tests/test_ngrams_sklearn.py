"""Hold the vectorisers to scikit-learn's own tests, run with our classes in place of its own."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.base import BaseEstimator
from sklearn.feature_extraction import text as sk
from sklearn.utils.estimator_checks import check_estimator

from slugline.ngrams import counting, vectorizers
from slugline.ngrams.vectorizers import CountVectorizer, TfidfVectorizer

OURS = {"CountVectorizer", "TfidfVectorizer", "product"}

pytestmark = pytest.mark.filterwarnings("ignore")  # the tests that look for warnings catch them all the same


@pytest.fixture(autouse=True, params=[counting.FEW_TEXTS, 0], ids=["few texts as usual", "few texts like many"])
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the tests' few documents both ways: that for few texts and that for many."""
    monkeypatch.setattr(vectorizers, "FEW_TEXTS", request.param)


def product(*columns: Iterable[object]) -> list[tuple[object, ...]]:
    """Stand in for itertools.product, as pytest will not take an iterator for parameters."""
    return list(itertools.product(*columns))


def _with_our_names(source: str) -> ast.Module:
    """Parse scikit-learn's tests without the imports of what this module has in their place."""
    tree = ast.parse(source)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            node.names = [name for name in node.names if name.name not in OURS]
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or node.names]
    return tree


_spec = find_spec("sklearn.feature_extraction.tests.test_text")
if _spec is not None and _spec.origin is not None:
    # into this module, as pickle looks for the functions of these tests by the name of their module
    exec(compile(_with_our_names(Path(_spec.origin).read_text("utf-8")), _spec.origin, "exec"), globals())


def test_scikit_learns_tests_were_found_and_run_against_our_classes() -> None:
    if _spec is None:
        pytest.skip("this scikit-learn came without its tests")
    assert globals()["CountVectorizer"] is CountVectorizer is not sk.CountVectorizer
    assert globals()["TfidfVectorizer"] is TfidfVectorizer is not sk.TfidfVectorizer
    assert sum(name.startswith("test_") for name in globals()) > 50


def _verdicts(estimator: BaseEstimator) -> Iterator[tuple[str, str]]:
    for result in check_estimator(estimator, on_skip=None, on_fail=None):
        yield result["check_name"], result["status"]


@pytest.mark.parametrize("ours", [CountVectorizer, TfidfVectorizer])
def test_check_estimator_says_of_each_vectoriser_what_it_says_of_scikit_learns(ours: type[BaseEstimator]) -> None:
    assert list(_verdicts(ours())) == list(_verdicts(getattr(sk, ours.__name__)()))
