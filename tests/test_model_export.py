"""Hold that an exported model gives what the model gives, without Slugline, or is not written."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import text as sk
from sklearn.svm import LinearSVC

from slugline.commands.export import export as export_command
from slugline.errors import InputError
from slugline.model import TopicModel, export
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.ngrams import CountVectorizer, TfidfVectorizer
from slugline.training.fit import to_head

DATA = Path(os.environ.get("SLUGLINE_DATA", Path(__file__).parents[2] / "shared" / "data"))
NEWS = DATA / "india_police_events" / "sents.jsonl"
TOPICS = ("ceasefire", "sanctions", "talks")
SENTENCES = [
    "Both sides agreed to a ceasefire on Monday.",
    "The ceasefire held for a 2nd day, the UN said.",
    "New sanctions hit the central bank; a BANK_1 spokesman was silent.",
    "Sanctions on oil exports\u00a0will be lifted  after the talks.",
    "The talks in Genève broke off:\n\nno ceasefire, no deal.",
    "Ministers met for talks about sanctions on Łódź and Ærø.",
    "“We will talk,” the president said, “when they stop.”",
    "Naïve hopes: 東京 hosts the talks, 12½ hours long…",
    "प्रधानमंत्री talks, ΟΧΙ όχι Σιγά, ﬁne",
]
UNSEEN = [
    "",
    " \t\n",
    "x",
    "A",
    "a b c ceasefire",
    "TALKS ON SANCTIONS",
    "talks\tabout\x1fthe ceasefire",
    "ǅ ŁÓDŹ no talks",
]
LABELS = np.array([[word in text.lower() for word in TOPICS] for text in SENTENCES])
FEATURES: dict[str, dict[str, Any]] = {
    "words": {"word": TfidfVectorizer()},
    "pairs": {"word": TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)},
    "words without stop words": {"word": TfidfVectorizer(ngram_range=(1, 3), stop_words="english", norm="l1")},
    "words and cases of stop words": {"word": TfidfVectorizer(ngram_range=(2, 2), stop_words=["the", "The", "a-b"])},
    "words in their case": {"word": TfidfVectorizer(lowercase=False, stop_words=["the"], ngram_range=(1, 2))},
    "words of one character": {"word": TfidfVectorizer(token_pattern=r"(?u)\b\w+\b", use_idf=False)},
    "words of four characters": {"word": TfidfVectorizer(token_pattern=r"\b\w\w\w\w+\b", ngram_range=(1, 2))},
    "counts": {"n": CountVectorizer()},
    "whether": {"n": CountVectorizer(binary=True)},
    "whether, weighted": {"n": TfidfVectorizer(binary=True, norm=None)},
    "pieces": {"char": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)},
    "pieces and single characters": {"char": TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3))},
    "long pieces of short words": {"char": CountVectorizer(analyzer="char_wb", ngram_range=(6, 7))},
    "characters": {"char": TfidfVectorizer(analyzer="char", ngram_range=(1, 4))},
    "characters in their case": {"char": TfidfVectorizer(analyzer="char", ngram_range=(3, 3), lowercase=False)},
    "words and pieces": {
        "word": TfidfVectorizer(ngram_range=(1, 2)),
        "char": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), norm=None),
    },
}
MODES = ["multilabel", "multiclass"]
ANY = ["words without stop words", "words in their case", "words of four characters", "pieces and single characters"]
ANY += ["characters", "words and pieces"]


def trained(
    mode: str = "multilabel", classifier: Any = None, texts: list[str] = SENTENCES, **features: Any
) -> TopicModel:
    """Train a model on some sentences."""
    fitted = {
        name: clone(vectorizer).fit(texts) for name, vectorizer in (features or {"word": TfidfVectorizer()}).items()
    }
    vectorizers = tuple(from_estimator(name, vectorizer) for name, vectorizer in fitted.items())
    X = transform_all(vectorizers, SENTENCES)
    estimators = [clone(LinearSVC(random_state=0) if classifier is None else classifier).fit(X, y) for y in LABELS.T]
    head = to_head(estimators, np.array([3.0, 2.0, 4.0]), np.array([0.0, -1.0, 0.25]))
    return TopicModel(TOPICS, mode, vectorizers, head, np.array([0.5, 0.25, 0.4]))


# scikit-learn


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FEATURES)
def test_the_scikit_learn_pipeline_gives_the_probabilities_of_the_model(name: str, mode: str) -> None:
    model = trained(mode, **FEATURES[name])
    found = model.to_sklearn().predict_proba(SENTENCES + UNSEEN)
    assert np.allclose(found, model.predict_proba(SENTENCES + UNSEEN), rtol=0, atol=1e-9)


def test_accents_are_stripped_in_the_scikit_learn_pipeline_too() -> None:
    model = trained(word=TfidfVectorizer(strip_accents="unicode"))
    assert np.allclose(model.to_sklearn().predict_proba(["geneve"]), model.predict_proba(["Genève"]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_the_scikit_learn_pipeline_names_the_topics(mode: str) -> None:
    model = trained(mode, **FEATURES["words and pieces"])
    found = model.to_sklearn()
    assert found.classes_.tolist() == list(TOPICS)
    assert np.array_equal(found["classifier"].thresholds_, model.thresholds)
    given = np.array(model.predict_proba(SENTENCES) >= 0.5)
    if mode == "multiclass":
        assert [(topic,) for topic in found.predict(SENTENCES)] == model.predict(SENTENCES)
    else:
        assert np.array_equal(found.predict(SENTENCES), given)


def test_the_features_of_the_scikit_learn_pipeline_are_its_own_and_have_names() -> None:
    features = trained(**FEATURES["words and pieces"]).to_sklearn()["features"]
    assert [type(vectorizer) for _, vectorizer in features.transformer_list] == [sk.TfidfVectorizer, sk.TfidfVectorizer]
    assert {type(column) for column in features.transformer_list[0][1].vocabulary_.values()} == {int}
    assert "word__ceasefire" in features.get_feature_names_out()


@pytest.mark.parametrize("mode", MODES)
def test_the_scikit_learn_pipeline_is_pickled_and_a_clone_of_it_is_fitted_anew(mode: str) -> None:
    model = trained(mode, **FEATURES["pairs"])
    found = model.to_sklearn()
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.predict_proba(SENTENCES), found.predict_proba(SENTENCES))
    y = LABELS.argmax(axis=1) if mode == "multiclass" else LABELS
    fitted = clone(found).fit(SENTENCES, y)
    assert (
        fitted["features"].transformer_list[0][1].get_params() == found["features"].transformer_list[0][1].get_params()
    )
    assert fitted.predict_proba(UNSEEN).shape == (len(UNSEEN), 3)


ALONE = """
import json, sys
class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("pipeline", "slugline"):
            raise ImportError(name)
sys.meta_path.insert(0, Closed())
if sys.argv[1].endswith(".skops"):
    import skops.io
    assert skops.io.get_untrusted_types(file=sys.argv[1]) == []
    model = skops.io.load(sys.argv[1])
else:
    import joblib
    model = joblib.load(sys.argv[1])
print(json.dumps(model.predict_proba(json.loads(sys.argv[2])).tolist()))
"""


@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_an_exported_pipeline_runs_without_slugline(tmp_path: Path, form: str) -> None:
    model = trained("multiclass", **FEATURES["words and pieces"])
    file = export.write(model, tmp_path / "new" / f"model.{form}", form)
    command = [sys.executable, "-W", "error", "-c", ALONE, str(file), json.dumps(UNSEEN)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert np.allclose(json.loads(done.stdout), model.predict_proba(UNSEEN), rtol=0, atol=1e-9)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# ONNX


def run(data: bytes, texts: list[str]) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """Run an ONNX graph and return probabilities, topics given, and metadata."""
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(data, providers=["CPUExecutionProvider"])
    probabilities, given = session.run(["probabilities", "given"], {"text": np.array(texts, object)})
    return probabilities, given, session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FEATURES)
def test_the_onnx_graph_gives_the_probabilities_of_the_model(tmp_path: Path, name: str, mode: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model = trained(mode, **FEATURES[name])
    file = export.write(model, tmp_path / "model.onnx", "onnx")
    found, given, about = run(file.read_bytes(), SENTENCES + UNSEEN)
    expected = model.predict_proba(SENTENCES + UNSEEN)
    assert np.abs(found - expected).max() < 1e-6
    clear = np.abs(expected - model.thresholds) > 1e-6
    assert (given == model.decide(expected))[clear].all()
    assert json.loads(about["topics"]) == list(TOPICS)
    assert json.loads(about["thresholds"]) == model.thresholds.tolist()
    assert about["mode"] == mode


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="İΣ\uffff")
TEXTS = st.lists(
    st.one_of(
        st.text(CHARACTERS, max_size=20),
        st.text(st.sampled_from("aAbT \t\n\x1f\u3000_-.1½éÉﬁ"), max_size=20),
        st.lists(st.sampled_from(["the", "The", "talks", "TALKS", "on", "a", "ceasefire", ",", "—", "\n"])).map(
            " ".join
        ),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def graphs() -> list[tuple[TopicModel, Any]]:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    models = [trained(**FEATURES[name]) for name in ANY]
    data = [export.to_onnx(model).SerializeToString() for model in models]
    return [
        (model, runtime.InferenceSession(graph, providers=["CPUExecutionProvider"]))
        for model, graph in zip(models, data, strict=True)
    ]


@given(texts=TEXTS)
@settings(deadline=None, max_examples=60)
def test_the_onnx_graph_cuts_any_text_as_the_model_does(graphs: list[tuple[TopicModel, Any]], texts: list[str]) -> None:
    for model, session in graphs:
        (found,) = session.run(["probabilities"], {"text": np.array(texts, object)})
        assert np.abs(found - model.predict_proba(texts)).max() < 1e-6


@pytest.mark.skipif(not NEWS.exists(), reason=f"no {NEWS}")
@pytest.mark.parametrize("mode", MODES)
def test_the_onnx_graph_agrees_with_the_model_on_real_news(tmp_path: Path, mode: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    with NEWS.open(encoding="utf-8") as lines:
        news = [json.loads(line)["sent_text"] for line, _ in zip(lines, range(2000), strict=False)]
    features = {
        "word": TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        "char": TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True),
    }
    fitted = tuple(from_estimator(name, vectorizer.fit(news[:1500])) for name, vectorizer in features.items())
    generator = np.random.default_rng(0)
    weights = generator.normal(size=(3, sum(len(part.lookup.terms) for part in fitted))).astype(np.float32)
    model = TopicModel(TOPICS, mode, fitted, LinearHead(weights, generator.normal(size=3)), np.array([0.5, 0.25, 0.4]))
    found, given, _ = run(export.write(model, tmp_path / "model.onnx", "onnx").read_bytes(), news[1500:])
    expected = model.predict_proba(news[1500:])
    assert np.abs(found - expected).max() < 2e-6
    assert (given == model.decide(expected)).mean() > 0.999


def test_what_the_onnx_graph_cannot_count_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    accents = trained(word=TfidfVectorizer(strip_accents="ascii"))
    with pytest.raises(InputError, match=r"^format=onnx: features\.word\.strip_accents [^\n]*; use format=sklearn$"):
        export.write(accents, tmp_path / "model.onnx", "onnx")
    for text in ("İstanbul", "ΟΔΟΣ"):
        cased = trained(texts=[*SENTENCES, text], char=TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 3)))
        with pytest.raises(InputError, match=r"^format=onnx: features\.char has [^\n]*; use format=sklearn$"):
            export.write(cased, tmp_path / "model.onnx", "onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_that_differs_from_the_model_is_not_written(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = trained()
    other = export.to_onnx(TopicModel(TOPICS, "multiclass", model.vectorizers, model.head, model.thresholds))
    assert export.compare(model, other.SerializeToString()) > 0.01


HIDDEN = """
import sys
sys.modules["onnxruntime"] = None
import importlib.util
from pathlib import Path
from slugline.model import TopicModel
from slugline.model.export import write
from slugline.errors import InputError
try:
    write(TopicModel.load(sys.argv[1]), Path(sys.argv[2]), "onnx")
except InputError as error:
    print(error)
"""


def test_without_onnxruntime_the_extra_to_install_is_named(tmp_path: Path) -> None:
    folder = trained().save(tmp_path / "model")
    command = [sys.executable, "-c", HIDDEN, str(folder), str(tmp_path / "model.onnx")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False, timeout=60
    )
    assert 'pip install "slugline[onnx]"' in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
    assert not (tmp_path / "model.onnx").exists()


# Refusals and the command


@pytest.mark.parametrize("form", ["sklearn", "skops", "onnx"])
def test_a_model_that_is_not_linear_is_refused(tmp_path: Path, form: str) -> None:
    if form == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    model = trained(classifier=RandomForestClassifier(2, random_state=0))
    with pytest.raises(InputError, match=r"^only linear models can be exported, not RandomForestClassifier; use the"):
        export.write(model, tmp_path / "model", form)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^format=pmml; allowed: sklearn, skops, onnx$"):
        export.write(trained(), tmp_path / "model", "pmml")


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match=r"^output=[^\n]*/file/model: cannot be written: File exists$"):
        export.write(trained(), tmp_path / "file" / "model", "sklearn")
    with pytest.raises(InputError, match=r"cannot be written: Is a directory$"):
        export.write(trained(), tmp_path, "sklearn")


@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_the_command_exports_a_model_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    model = trained()
    folder, file = model.save(tmp_path / "model"), tmp_path / f"model.{form}"
    config = {"model_uri": str(folder), "output": str(file), "format": form, "tracking_uri": None}
    export_command(OmegaConf.create(config))
    found = joblib.load(file) if form == "sklearn" else skops.io.load(file)
    assert np.allclose(found.predict_proba(SENTENCES), model.predict_proba(SENTENCES), rtol=0, atol=1e-9)
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"{file}: 3 topics, {file.stat().st_size} bytes, format {form}\n")


def test_the_config_of_the_command_has_its_four_keys() -> None:
    config = OmegaConf.load(Path(__file__).parents[1] / "conf" / "export.yaml")
    assert set(config) - {"defaults"} == {"model_uri", "output", "format", "tracking_uri"}
    assert OmegaConf.missing_keys(config) == {"output"}
