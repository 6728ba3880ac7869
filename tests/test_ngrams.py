"""Hold the vectorisers equal to scikit-learn's on any text and any parameters, to the last bit where the sums allow."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction import text as sk

from slugline.ngrams import CountVectorizer, NgramOptions, TfidfVectorizer, VocabularyCounter, fit_count, threads
from slugline.ngrams.arrow import decode_terms, encode_terms
from slugline.ngrams.counting import FEW_TEXTS
from slugline.ngrams.options import minimum_word_length

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data"))
NEWS = DATA / "india_police_events" / "sents.jsonl"

# What trips up tokenisers: letters that change length or by context when lower-cased, marks that combine or stand
# alone, astral letters, surrogates lone or side by side, and everything that some call white space
ODD = [*"aAbB_1 .'-\n\t\0ßﬁΣσςİıÅÄé東ก", "\u093c", "\u0301", "\u0345", "ά", "𝔘", "😀", "\U0010ffff", "\ud800", "\ude00"]
ODD += ["\x0b", "\x1c", "\x1f", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u200d", "\u2028", "\u3000", "\ufeff", "¨"]
DOCUMENTS = st.lists(
    st.one_of(
        st.text(st.sampled_from(ODD), max_size=30),
        st.text(st.characters(exclude_categories=()), max_size=12),
        st.lists(st.sampled_from(["the", "The", "tHe", "of", "in", "ΟΔΟΣ", "a", "xy", "z\u0301"])).map(" ".join),
    ),
    max_size=8,
)
SETTINGS = st.fixed_dictionaries(
    {
        "analyzer": st.sampled_from(["word", "char", "char_wb"]),
        "ngram_range": st.tuples(st.integers(1, 6), st.integers(0, 3)).map(lambda span: (span[0], sum(span))),
    },
    optional={
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from(["ascii", "unicode", None]),
        "binary": st.booleans(),
        "min_df": st.sampled_from([2, 3, 0.3, 0.6]),
        "max_df": st.sampled_from([1, 2, 0.4, 0.9]),
        "max_features": st.integers(1, 9),
        "stop_words": st.sampled_from(["english", ["the", "a"], ["The", "x-y"], []]),
        "token_pattern": st.sampled_from(
            [r"\b\w+\b", r"\w\w\w+", r"(?u)\w\w+\b", r"[a-z]+", r"(?u)\b(\w)\w*\b", r"\S+"]
        ),
        "dtype": st.sampled_from([np.float32, np.float64, np.int32, np.int64, np.int8]),
    },
)
WEIGHING = st.fixed_dictionaries(
    {},
    optional={
        "sublinear_tf": st.booleans(),
        "use_idf": st.booleans(),
        "smooth_idf": st.booleans(),
        "norm": st.sampled_from(["l1", "l2", None]),
    },
)


@pytest.fixture(autouse=True, scope="module")
def _small_chunks() -> Iterator[None]:
    """Cut even short texts into chunks, for several threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "CHUNK_CHARACTERS", 16)
        yield


def outcome(vectorizer: Any, documents: list[Any], others: list[Any]) -> tuple[Any, ...]:
    """Give all that can be seen of fitting some documents and transforming others."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            matrices = [vectorizer.fit_transform(documents), vectorizer.transform(others)]
        except Exception as error:
            return type(error), str(error), [str(warning.message) for warning in caught]
    for matrix in matrices:
        matrix.sort_indices()
    return vectorizer.vocabulary_, matrices, [str(warning.message) for warning in caught]


def assert_same_matrix(ours: Any, theirs: Any, tolerance: float = 0) -> None:
    assert type(ours) is type(theirs)
    assert ours.shape == theirs.shape
    assert (ours.dtype, ours.indices.dtype) == (theirs.dtype, theirs.indices.dtype)
    np.testing.assert_array_equal(ours.indptr, theirs.indptr)
    np.testing.assert_array_equal(ours.indices, theirs.indices)
    np.testing.assert_allclose(ours.data, theirs.data, rtol=tolerance, atol=0)


def assert_same(ours: Any, theirs: Any, documents: list[Any], tolerance: float = 0) -> None:
    """Compare two vectorizers; `tolerance` is for the weights that `fit_transform` gives."""
    others = documents[::-1] * FEW_TEXTS  # enough not to be few
    a, b = outcome(ours, documents, others), outcome(theirs, documents, others)
    assert a[0] == b[0]
    assert a[2] == b[2]
    if isinstance(b[0], type):
        assert a[1] == b[1]
        return
    assert_same_matrix(a[1][0], b[1][0], tolerance)
    assert_same_matrix(a[1][1], b[1][1])
    assert ours.get_feature_names_out().tolist() == theirs.get_feature_names_out().tolist()


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, SETTINGS)
def test_counts_vocabulary_warnings_and_errors_are_scikit_learns_on_any_text(
    documents: list[str], params: dict[str, Any]
) -> None:
    assert_same(CountVectorizer(**params), sk.CountVectorizer(**params), documents)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, SETTINGS, WEIGHING)
def test_weights_are_scikit_learns_on_any_text(
    documents: list[str], params: dict[str, Any], weighing: dict[str, Any]
) -> None:
    # scikit-learn's fit_transform sums a row in the order in which terms were first met, ours in that of the columns
    tolerance = 1e-6 if params.get("dtype") is np.float32 else 1e-12
    ours, theirs = TfidfVectorizer(**params, **weighing), sk.TfidfVectorizer(**params, **weighing)
    assert_same(ours, theirs, documents, tolerance)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, SETTINGS, st.lists(st.text(st.sampled_from(ODD), max_size=6), unique=True), st.data())
def test_a_given_vocabulary_of_any_terms_in_any_order_counts_as_scikit_learns(
    documents: list[str], params: dict[str, Any], terms: list[str], data: st.DataObject
) -> None:
    vocabulary_terms = set(terms)
    for document in documents:
        vocabulary_terms |= set(data.draw(st.permutations(sk.CountVectorizer(**params).build_analyzer()(document)))[:5])
    vocabulary = data.draw(st.permutations(sorted(vocabulary_terms)))
    ours, theirs = (kind(**params, vocabulary=vocabulary) for kind in (CountVectorizer, sk.CountVectorizer))
    assert_same(ours, theirs, documents)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(DOCUMENTS, SETTINGS, DOCUMENTS)
def test_a_lookup_counts_few_texts_like_many(learnt: list[str], params: dict[str, Any], documents: list[str]) -> None:
    names = ("analyzer", "ngram_range", "lowercase", "strip_accents")
    grams = NgramOptions(**{name: params[name] for name in names if name in params}, stop_words=frozenset({"the"}))
    try:
        counts, terms = fit_count(grams, learnt)
    except ValueError:
        return
    lookup = VocabularyCounter(grams, terms)
    assert_same_matrix(lookup.count(learnt), counts)
    few = [lookup.count([document]).toarray() for document in documents]
    many = lookup.count(documents * FEW_TEXTS * 2)
    assert many.has_canonical_format
    np.testing.assert_array_equal(many.toarray(), np.concatenate([np.empty((0, len(terms)))] + few * FEW_TEXTS * 2))


@pytest.mark.parametrize(
    "params",
    [
        {"tokenizer": str.split, "token_pattern": None},
        {"preprocessor": str.upper},
        {"analyzer": str.split},
        {"strip_accents": str.title, "lowercase": False},
        {"token_pattern": r"[a-z]+"},
        {"ngram_range": (0, 2)},
        {"ngram_range": (2, 1)},
        {"min_df": 3, "max_df": 2},
        {"min_df": 0.5, "max_df": 0.1},
        {"max_df": -1},
        {"stop_words": "french"},
        {"vocabulary": ["The", "cat"]},
        {"vocabulary": {"cat": 1, "dog": 0}},
        {"vocabulary": {"cat": 1, "dog": 2}},
        {"dtype": np.uint8},
    ],
    ids=repr,
)
def test_what_the_fast_way_cannot_do_is_as_scikit_learn_does_it(params: dict[str, Any]) -> None:
    documents = ["The cat sat.", "Cats sit, the dog barks", "", "a cat and a dog"]
    assert_same(CountVectorizer(**params), sk.CountVectorizer(**params), documents)


@pytest.mark.parametrize("documents", [["a b", None], ["a b", float("nan")], ["a b", 3], "a b", 7, [], [""]], ids=repr)
def test_documents_that_are_no_text_raise_scikit_learns_errors(documents: Any) -> None:
    a, b = (outcome(kind(), documents, []) for kind in (CountVectorizer, sk.CountVectorizer))
    assert isinstance(b[0], type)
    assert a == b


def test_bytes_arrays_and_generators_are_read_as_scikit_learn_reads_them() -> None:
    texts = ["déjà vu", "vu à la télé", "là"]
    encoded = [text.encode("latin-1") for text in texts]
    assert_same(CountVectorizer(encoding="latin-1"), sk.CountVectorizer(encoding="latin-1"), encoded)
    expected = sk.CountVectorizer().fit_transform(texts).toarray()
    for documents in (np.array(texts), np.array(texts, object), iter(texts), (text for text in texts)):
        np.testing.assert_array_equal(CountVectorizer().fit_transform(documents).toarray(), expected)
    files = [io.BytesIO(text.encode()) for text in texts]
    np.testing.assert_array_equal(CountVectorizer(input="file").fit_transform(files).toarray(), expected)


def test_new_parameters_or_a_new_vocabulary_after_fitting_count_at_once() -> None:
    texts = ["the cat sat", "the dog sat"] * FEW_TEXTS
    ours, theirs = CountVectorizer(ngram_range=(1, 2)).fit(texts), sk.CountVectorizer(ngram_range=(1, 2)).fit(texts)
    assert_same_matrix(ours.transform(texts), theirs.transform(texts))
    for change in ({"ngram_range": (2, 2)}, {"stop_words": ["cat"]}, {"binary": True}):
        assert_same_matrix(ours.set_params(**change).transform(texts), theirs.set_params(**change).transform(texts))
    ours.vocabulary_ = theirs.vocabulary_ = {"dog sat": 0}
    assert_same_matrix(ours.transform(texts), theirs.transform(texts))


def test_a_vectorizer_survives_pickling_and_cloning() -> None:
    texts = ["the cat sat", "the dog sat", "\ud800x y"] * FEW_TEXTS
    fitted = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3), min_df=2).fit(texts)
    expected = fitted.transform(texts)
    assert_same_matrix(pickle.loads(pickle.dumps(fitted)).transform(texts), expected)
    assert_same_matrix(clone(fitted).fit(texts).transform(texts), expected)
    assert len(pickle.dumps(fitted)) < 2 * len(pickle.dumps(clone(fitted).fit(texts)))


def test_a_vectorizer_changes_no_attribute_when_it_transforms() -> None:
    texts = ["the cat sat"] * 2 * FEW_TEXTS
    fitted = CountVectorizer().fit(texts)
    before = dict(vars(fitted))
    fitted.transform(texts)
    assert vars(fitted) == before


def test_the_number_of_threads_changes_nothing() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(f"w{number}" for number in random.zipf(1.5, 20)) for _ in range(300)]
    grams, threads = NgramOptions(ngram_range=(1, 3)), pa.cpu_count()
    try:
        pa.set_cpu_count(1)
        alone = fit_count(grams, texts, min_df=2)
        pa.set_cpu_count(5)
        together = fit_count(grams, texts, min_df=2)
    finally:
        pa.set_cpu_count(threads)
    assert_same_matrix(together[0], alone[0])
    assert together[1].equals(alone[1])


def test_terms_pass_through_bytes_and_back() -> None:
    terms = ["", "a b", "é", "\ud83d\ude00", "😀", "\0"]
    assert decode_terms(encode_terms(terms)) == terms


def test_words_are_counted_by_whether_the_vocabulary_knows_them() -> None:
    counter = VocabularyCounter.from_terms(NgramOptions(stop_words=frozenset({"the"})), ["ceasefire", "talks"])
    words, unknown = counter.count_words(["The talks on a ceasefire, talks", "", "a", "sanctions"])
    assert (words.tolist(), unknown.tolist()) == ([4, 0, 0, 1], [1, 0, 0, 1])


def test_a_counter_survives_its_buffers() -> None:
    counter = VocabularyCounter.from_terms(NgramOptions(), ["a b", "é", "\ud800x"])
    assert VocabularyCounter.from_buffers(counter.options, *counter.to_buffers()) == counter


@pytest.mark.parametrize(
    ("pattern", "shortest"),
    [(r"(?u)\b\w\w+\b", 2), (r"\w+", 1), (r"\b\w\w\w+", 3), (r"\w", None), (r"\w*", None), (r"(?i)\w+", None)],
)
def test_only_patterns_of_word_characters_are_read_as_such(pattern: str, shortest: int | None) -> None:
    assert minimum_word_length(pattern) == shortest


@pytest.mark.parametrize("params", [{"token_pattern": "[a-z]+"}, {"ngram_range": (0, 1)}, {"ngram_range": (2, 1)}])
def test_n_grams_that_cannot_be_counted_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(params))):
        NgramOptions(**params)


def test_counting_needs_neither_scikit_learn_nor_pandas() -> None:
    code = """
import sys
from slugline.ngrams import NgramOptions, VocabularyCounter, fit_count
counts, terms = fit_count(NgramOptions(), ["one two", "two three"])
assert VocabularyCounter(NgramOptions(), terms).count(["two"] * 99).sum() == 99
print({"sklearn", "pandas"} & set(sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.slow
@pytest.mark.parametrize(
    "params",
    [
        {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True},
        {"ngram_range": (1, 3), "max_features": 5000, "stop_words": "english"},
        {"analyzer": "char_wb", "ngram_range": (2, 5), "max_features": 9000},
        {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 5, "dtype": np.float32},
        {"analyzer": "char", "ngram_range": (1, 4), "min_df": 3, "strip_accents": "unicode"},
    ],
    ids=repr,
)
def test_real_sentences_give_scikit_learns_matrix(params: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if not NEWS.exists():
        pytest.skip(f"no {NEWS}: set SLUGLINE_DATA to the folder with the IndiaPoliceEvents sentences")
    monkeypatch.setattr(threads, "CHUNK_CHARACTERS", 100_000)
    with NEWS.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["sent_text"] for line, _ in zip(lines, range(3000), strict=False)]
    ours, theirs = TfidfVectorizer(**params), sk.TfidfVectorizer(**params)
    a, b = ours.fit_transform(texts), theirs.fit_transform(texts)
    assert ours.vocabulary_ == theirs.vocabulary_
    b.sort_indices()
    assert_same_matrix(a, b, 1e-6 if params.get("dtype") is np.float32 else 1e-12)
    assert_same_matrix(ours.transform(texts[::-1]), theirs.transform(texts[::-1]))


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=6))
def test_hashes_are_those_of_scikit_learn(texts: list[str]) -> None:
    from sklearn.utils import murmurhash3_32

    from slugline.ngrams.hashing import murmur3

    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    assert murmur3(encode_terms(texts)).tolist() == [murmurhash3_32(text, 0) for text in encoded]


HASHING = [
    {},
    {"ngram_range": (1, 2), "n_features": 50},
    {"analyzer": "char_wb", "ngram_range": (2, 4), "n_features": 64, "alternate_sign": False, "norm": "l1"},
    {"analyzer": "char", "ngram_range": (1, 3), "norm": None, "binary": True},
    {"strip_accents": "unicode", "lowercase": False, "stop_words": ["the"]},
]


@settings(deadline=None)
@given(st.lists(st.text("ab é ßthe.’\n𝔘\t", max_size=20), max_size=12), st.sampled_from(HASHING))
def test_hashed_features_are_those_of_scikit_learn(texts: list[str], params: dict[str, Any]) -> None:
    from sklearn.feature_extraction.text import HashingVectorizer as Reference

    from slugline.ngrams import HashingVectorizer

    if not texts:
        return
    ours, reference = HashingVectorizer(**params).transform(texts), Reference(**params).transform(texts)
    assert ours.shape == reference.shape
    assert ours.dtype == reference.dtype
    assert abs(ours - reference).max() < 1e-12


def test_a_hashing_vectorizer_is_cloned_and_pickled() -> None:
    import pickle

    from sklearn.base import clone

    from slugline.ngrams import HashingVectorizer

    vectorizer = pickle.loads(pickle.dumps(clone(HashingVectorizer(n_features=8, ngram_range=(1, 2)))))
    assert vectorizer.get_params()["n_features"] == 8
    assert vectorizer.transform(["a truce", "talks"]).shape == (2, 8)


PACKAGE = ROOT / "pipeline" / "slugline"


def test_other_rooms_come_in_by_the_door() -> None:
    rooms = [file for file in PACKAGE.rglob("*.py") if "ngrams" not in file.parts]
    inside = [file.name for file in rooms if "from slugline.ngrams." in file.read_text(encoding="utf-8")]
    assert inside == []


def test_one_file_alone_uses_the_private_side_of_scikit_learn() -> None:
    files = {file.name: file.read_text(encoding="utf-8") for file in (PACKAGE / "ngrams").glob("*.py")}
    imports = re.compile(r"^\s*(?:from|import) sklearn.*\b_[a-z]", re.MULTILINE)
    assert [name for name, source in files.items() if imports.search(source)] == ["sklearn_private.py"]
    assert re.findall(r"[\w)]\._[a-z]\w*", files["vectorizers.py"]) == []  # methods of an estimator
