r"""A topic model for those who have no Slugline: a plain scikit-learn pipeline, or an ONNX graph from text on.

skl2onnx is not used. It cannot do `char_wb`, and its words are those of RE2's `\w`, which knows ASCII alone: of 1,000
sentences of news, 65 got another probability with words, and 658 with words and pairs. The graph here cuts a text into
characters and the gaps between words, by what Python takes for letters, digits and blanks, and looks up every term,
whole words too, as a run of these.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from slugline.errors import InputError
from slugline.model.heads import LinearHead
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import Vectorizer
from slugline.ngrams.hashing import Hashed
from slugline.ngrams.rows import Ngrams, shortest_word

ML, ORT = "ai.onnx.ml", "com.microsoft"
OPSETS = {"": 20, ML: 4, ORT: 1}
IR_VERSION = 9  # of the first onnxruntime with these operators, 1.17
CONTEXTUAL = ("\u0130".lower(), "\u03c2")  # two characters of one capital; of a sigma, where its word ends
WORD = re.compile(r"\w")
SAMPLE = 400  # terms of each vectorizer in the texts that a graph is tried on
GAP, UNKNOWN = 0, -1  # what stands for a gap between words, and for a character of no term
TOLERANCE = 1e-5  # of a probability, for the graph counts in 32 bits
SKETCHES = (
    "",
    " ",
    "a",
    "A1 b_2",
    "The  U.N.\tsaid:\u00a0\u201cno\u201d\n\n\u2014 I am.",
    "ÅÄÖ ß ŒUVRE Ñandú",
    "東京 ﬁ 12½ ١٢",
    "x" * 80,
)


def write(model: TopicModel, file: Path, form: str) -> Path:
    """Write a model as `sklearn` (joblib), `skops` or `onnx`, and return the file, whole or not there at all.

    Raises `InputError` when the model cannot be had in that form, or the file cannot be written.
    """
    if form not in FORMS:
        raise InputError(f"format={form}; allowed: {', '.join(FORMS)}")
    beside = file.with_name(file.name + ".tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        FORMS[form](model, beside)
        beside.replace(file)
    except OSError as error:
        raise InputError(f"output={file}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            beside.unlink()
    return file


def write_sklearn(model: TopicModel, file: Path) -> None:
    """Write a scikit-learn pipeline by joblib. Whoever loads it runs what is in it, as with any pickle."""
    import joblib

    joblib.dump(to_sklearn(model), file, compress=3)


def write_skops(model: TopicModel, file: Path) -> None:
    """Write a scikit-learn pipeline by skops, of types that skops trusts by itself."""
    import skops.io

    with file.open("wb") as stream:
        skops.io.dump(to_sklearn(model), stream)


def write_onnx(model: TopicModel, file: Path) -> None:
    """Write an ONNX graph, after onnxruntime gave with it what the model gives."""
    if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise InputError(f'format=onnx needs {" and ".join(missing)}: pip install "slugline[onnx]"')
    data = to_onnx(model).SerializeToString()
    difference = compare(model, data)
    if not difference <= TOLERANCE:
        raise InputError(
            f"format=onnx: onnxruntime is off by {difference:.2g}, allowed {TOLERANCE}; use format=sklearn"
        )
    file.write_bytes(data)


FORMS: dict[str, Callable[[TopicModel, Path], None]] = {
    "sklearn": write_sklearn,
    "skops": write_skops,
    "onnx": write_onnx,
}


def linear(model: TopicModel) -> LinearHead:
    """Return the weights of a model; raise `InputError` when it has none."""
    if not isinstance(model.head, LinearHead):
        kinds = sorted({type(estimator).__name__ for estimator in model.head.estimators})
        raise InputError(f"only linear models can be exported, not {', '.join(kinds)}; use the model folder itself")
    return model.head


# scikit-learn


def to_sklearn(model: TopicModel) -> Any:
    """Return a fitted `sklearn.slugline.Pipeline` with the model's probabilities.

    Its classifier's `classes_` are the topics, its `thresholds_` the model's: scikit-learn's `predict` cuts at 0.5, or
    takes the likeliest topic where the model is multiclass. Raises `InputError` when the model is not linear.
    """
    from sklearn.pipeline import FeatureUnion, Pipeline

    features = FeatureUnion([(part.name, to_vectorizer(part)) for part in model.vectorizers])
    return Pipeline([("features", features), ("classifier", to_classifier(model, linear(model)))])


def to_vectorizer(part: Vectorizer) -> Any:
    """Return scikit-learn's own vectorizer, fitted."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer

    ngrams = part.lookup.ngrams
    options = {
        "analyzer": ngrams.analyzer,
        "ngram_range": ngrams.ngram_range,
        "lowercase": ngrams.lowercase,
        "strip_accents": ngrams.strip_accents,
        "token_pattern": ngrams.token_pattern,
        "stop_words": sorted(ngrams.stop_words) or None,
        "binary": part.binary,
    }
    if isinstance(part.lookup, Hashed):
        sign = part.lookup.alternate_sign
        return HashingVectorizer(**options, norm=part.norm, n_features=part.lookup.n_features, alternate_sign=sign)
    if part.idf is None and part.norm is None and not part.sublinear_tf:
        fitted = CountVectorizer(**options)
    else:
        fitted = TfidfVectorizer(
            **options, use_idf=part.idf is not None, norm=part.norm, sublinear_tf=part.sublinear_tf
        )
    fitted.vocabulary_ = {term: column for column, term in enumerate(part.terms())}
    fitted.fixed_vocabulary_ = False
    if part.idf is not None:
        fitted.idf_ = part.idf
    return fitted


def to_classifier(model: TopicModel, head: LinearHead) -> Any:
    """Return a fitted classifier with the weights of a head, a logistic regression per topic."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.preprocessing import LabelBinarizer

    fitted = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
    fitted.estimators_ = []
    for weights, intercept in zip(head.weights, head.intercept, strict=True):
        one = LogisticRegression(solver="liblinear")
        one.classes_, one.n_features_in_, one.n_iter_ = np.array([0, 1]), len(weights), np.array([0])
        one.coef_, one.intercept_ = weights[None].astype(np.float64), np.array([intercept])
        fitted.estimators_.append(one)
    fitted.n_features_in_ = head.weights.shape[1]
    fitted.label_binarizer_ = labels = LabelBinarizer(sparse_output=True)
    fitted.classes_ = labels.classes_ = np.array(model.topics)
    labels.y_type_ = "multiclass" if model.mode == "multiclass" else "multilabel-indicator"
    labels.sparse_input_ = False
    fitted.thresholds_ = model.thresholds
    return fitted


# ONNX


def onnx(name: str) -> Any:
    """Return a part of the package `onnx`, of the extra of that name."""
    return getattr(import_module("onnx"), name)


class Graph:
    """An ONNX graph under construction: each value has a number for a name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        output = f"v{len(self.nodes)}"
        self.nodes.append(onnx("helper").make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def constant(self, value: Any, dtype: Any) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(onnx("numpy_helper").from_array(np.asarray(value, dtype), name))
        return name

    def close(self, values: Mapping[str, str], kinds: Mapping[str, int], width: int) -> Any:
        """Return the model whose outputs are some values under names, each of a kind, shape (texts, width)."""
        helper = onnx("helper")
        self.nodes += [helper.make_node("Identity", [value], [name]) for name, value in values.items()]
        text = helper.make_tensor_value_info("text", onnx("TensorProto").STRING, ["texts"])
        outputs = [helper.make_tensor_value_info(name, kind, ["texts", width]) for name, kind in kinds.items()]
        return helper.make_model(
            helper.make_graph(self.nodes, "slugline", [text], outputs, self.constants),
            opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
            ir_version=IR_VERSION,
            producer_name="slugline",
        )


def to_onnx(model: TopicModel) -> Any:
    """Return an `onnx.ModelProto` from `text`, shape (texts,), to `probabilities` and `given`, shape (texts, topics).

    Topics, thresholds and mode stand in its metadata. A text gets what the model gives it, but for two capitals that
    have no lower case by themselves: the dotted I of Turkish, and a Greek sigma at a word's end. Raises `InputError`
    when the model is not linear, strips accents, or has terms with these.
    """
    kinds, graph = onnx("TensorProto"), Graph()
    log_odds = graph.add(
        "Cast", add_log_odds(graph, model), to=kinds.DOUBLE
    )  # unlikely topics are told apart in 64 bits
    log_odds = graph.add("Add", log_odds, graph.constant(linear(model).intercept, np.float64))
    probabilities, given = add_decisions(graph, model, graph.add("Sigmoid", log_odds))
    found = {"probabilities": graph.add("Cast", probabilities, to=kinds.FLOAT), "given": given}
    proto = graph.close(found, {"probabilities": kinds.FLOAT, "given": kinds.BOOL}, len(model.topics))
    about = {
        "topics": json.dumps(model.topics),
        "thresholds": json.dumps(model.thresholds.tolist()),
        "mode": model.mode,
    }
    onnx("helper").set_model_props(proto, about)
    return proto


def add_log_odds(graph: Graph, model: TopicModel) -> str:
    """Add what turns texts into log-odds without the intercept, float32 (texts, topics)."""
    weights, parts, start = linear(model).weights, [], 0
    for part in model.vectorizers:
        end = start + part.lookup.width
        own = graph.constant(weights[:, start:end].T, np.float32)
        parts.append(graph.add("MatMul", add_features(graph, part), own))
        start = end
    return graph.add("Sum", *parts)


def add_decisions(graph: Graph, model: TopicModel, probabilities: str) -> tuple[str, str]:
    """Add what turns each topic's own probability into the model's, and which topics are given."""
    if model.mode != "multiclass":
        return probabilities, graph.add("GreaterOrEqual", probabilities, graph.constant(model.thresholds, np.float64))
    total = graph.add("ReduceSum", probabilities, graph.constant([1], np.int64), keepdims=1)
    likeliest = graph.add("ArgMax", probabilities, axis=1, keepdims=1)
    columns = graph.constant(np.arange(len(model.topics)), np.int64)
    return graph.add("Div", probabilities, total), graph.add("Equal", likeliest, columns)


def add_features(graph: Graph, part: Vectorizer) -> str:
    """Add what turns texts into the features of one vectorizer, float32 (texts, terms)."""
    counts = add_counts(graph, part)
    if part.binary:
        counts = graph.add("Min", counts, graph.constant(1, np.float32))
    if part.sublinear_tf:  # 1 + log n, and 0 for 0
        one = graph.constant(1, np.float32)
        counts = graph.add("Add", graph.add("Log", graph.add("Max", counts, one)), graph.add("Min", counts, one))
    if part.idf is not None:
        counts = graph.add("Mul", counts, graph.constant(part.idf, np.float32))
    if part.norm is None:
        return counts
    length = graph.add(f"Reduce{part.norm.upper()}", counts, graph.constant([1], np.int64), keepdims=1)
    return graph.add("Div", counts, graph.add("Max", length, graph.constant(1e-30, np.float32)))


def add_counts(graph: Graph, part: Vectorizer) -> str:
    """Add what counts the terms of one vectorizer: texts to characters and gaps, to numbers, to runs of numbers."""
    ngrams, terms = part.lookup.ngrams, part.terms()
    if isinstance(part.lookup, Hashed):
        raise InputError(f"format=onnx: hashed features ({part.name}) have no terms to export; use format=sklearn")
    if ngrams.strip_accents is not None:
        raise InputError(
            f"format=onnx: features.{part.name}.strip_accents has no counterpart in ONNX; use format=sklearn"
        )
    if ngrams.lowercase and any(lower in term for term in terms for lower in CONTEXTUAL):
        raise InputError(f"format=onnx: features.{part.name} has İ or ς, whose case needs context; use format=sklearn")
    symbols = sorted({character for term in terms for character in term} - {" "})
    numbers = {" ": GAP} | {symbol: number for number, symbol in enumerate(symbols, 1)}
    token, gap = patterns(ngrams)
    tokens = graph.add(
        "Tokenizer", add_padding(graph, ngrams), domain=ORT, mark=0, mincharnum=1, pad_value="", tokenexp=token
    )
    keys = spellings(numbers) if ngrams.lowercase else numbers
    known = graph.add(
        "LabelEncoder", tokens, domain=ML, keys_strings=[*keys], values_int64s=[*keys.values()], default_int64=UNKNOWN
    )
    is_gap = graph.add("RegexFullMatch", tokens, pattern=gap)
    runs = graph.add("Where", is_gap, graph.constant(GAP, np.int64), known)
    edge = [GAP] if ngrams.analyzer == "word" else []
    counts = add_lookup(graph, runs, [[*edge, *map(numbers.__getitem__, term), *edge] for term in terms])
    if ngrams.analyzer != "char_wb" or " " not in terms:
        return counts
    # n words stand between n + 1 gaps, but `char_wb` gives each word two blanks of its own
    own = np.array(terms) == " "
    counts = graph.add("Mul", counts, graph.constant(np.where(own, 2, 1), np.float32))
    return graph.add("Sub", counts, graph.constant(np.where(own, 2, 0), np.float32))


def add_padding(graph: Graph, ngrams: Ngrams) -> str:
    """Add a gap before and after each text; before `char`, for which blanks count, a character that no text holds.

    Without, texts that are all empty would have no tokens, and no shape.
    """
    if ngrams.analyzer == "char":
        return graph.add("StringConcat", graph.constant("\uffff", object), "text")
    blank = graph.constant(" ", object)
    return graph.add("StringConcat", graph.add("StringConcat", blank, "text"), blank)


def patterns(ngrams: Ngrams) -> tuple[str, str]:
    """Return regular expressions of RE2: one for all tokens of a text, one for those that are gaps.

    A token is a character or a gap. Where terms are words, a gap swallows what is no word of theirs, short ones and
    stop words, so that the words beside it become neighbours.
    """
    blank = character_class(str.isspace)
    if ngrams.analyzer == "char":
        return f"[{blank}]{{2,}}|(?s:.)", f"[{blank}]{{2,}}"
    if ngrams.analyzer == "char_wb":
        return f"[{blank}]+|(?s:.)", f"[{blank}]+"
    letter = character_class(lambda character: WORD.match(character) is not None)
    shortest = shortest_word(ngrams.token_pattern) or 1
    swallowed = [spelled(word, ngrams.lowercase) for word in sorted(ngrams.stop_words) if all(map(WORD.match, word))]
    swallowed += [f"[{letter}]{{1,{shortest - 1}}}"] if shortest > 1 else []
    between = f"(?:(?:{'|'.join(swallowed)})[^{letter}]+)*" if swallowed else ""
    return f"[^{letter}]+{between}|[{letter}]", f"(?s)[^{letter}].*"


@cache
def character_class(member: Callable[[str], bool]) -> str:
    """Return the inside of a class of RE2 with all characters that are members."""
    codes = [code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000 and member(chr(code))]
    starts = [code for before, code in zip([-2, *codes], codes, strict=False) if code != before + 1]
    ends = [code for code, after in zip(codes, [*codes[1:], -2], strict=True) if code + 1 != after]
    return "".join(f"\\x{{{start:x}}}-\\x{{{end:x}}}" for start, end in zip(starts, ends, strict=True))


@cache
def capitals() -> dict[str, list[str]]:
    """Return, for each character, the others of which it is the lower case."""
    found: dict[str, list[str]] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        if character.lower() != character:
            found.setdefault(character.lower(), []).append(character)
    return found


def spellings(numbers: Mapping[str, int]) -> dict[str, int]:
    """Return the number of each character that becomes one of these in lower case."""
    return {
        spelling: number for symbol, number in numbers.items() for spelling in (symbol, *capitals().get(symbol, ()))
    }


def spelled(word: str, lowercase: bool) -> str:
    """Return a regular expression for a word in any case."""
    return "".join(f"[{character}{''.join(capitals().get(character, ())) if lowercase else ''}]" for character in word)


def add_lookup(graph: Graph, runs: str, terms: Sequence[Sequence[int]]) -> str:
    """Add a count of given runs of numbers, float32 (texts, terms)."""
    order = sorted(range(len(terms)), key=lambda column: len(terms[column]))
    lengths = [len(terms[column]) for column in order]
    sizes = np.bincount(lengths, np.array(lengths), minlength=lengths[-1] + 1)[1:].astype(np.int64)
    return graph.add(
        "TfIdfVectorizer",
        runs,
        mode="TF",
        min_gram_length=lengths[0],
        max_gram_length=lengths[-1],
        max_skip_count=0,
        ngram_counts=(np.cumsum(sizes) - sizes).tolist(),
        ngram_indexes=order,
        pool_int64s=[number for column in order for number in terms[column]],
    )


def compare(model: TopicModel, data: bytes) -> float:
    """Return by how much the probabilities of a graph differ, over the model's terms and what trips up tokenisers."""
    texts = [*SKETCHES]
    for part in model.vectorizers:
        terms = part.terms()
        chosen = terms[:: len(terms) // SAMPLE + 1]
        texts += [" ".join(chosen[at : at + 8]) for at in range(0, len(chosen), 8)]
    texts += [text.title() for text in texts]
    texts = [
        text.encode("utf-8", "replace").decode() for text in texts
    ]  # no lone surrogates: they are no text to the runtime
    session = import_module("onnxruntime").InferenceSession(data, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"text": np.array(texts, object)})
    return float(np.abs(found - model.predict_proba(texts)).max())
