"""Hold that an exported model gives what the model gives, without Slugline, or is not written."""

import gzip
import json
import pickle
import subprocess
import sys
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import text as sk
from sklearn.svm import LinearSVC

from slugline.commands.export import export as export_command
from slugline.config.settings import ExportSettings
from slugline.errors import InputError
from slugline.launch import Launch
from slugline.model import TopicModel, save_model
from slugline.model.export import to_sklearn, write_model
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.ngrams import CountVectorizer, TfidfVectorizer
from slugline.training.heads import to_head

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
    probabilities = to_sklearn(model).predict_proba(SENTENCES + UNSEEN)
    assert np.allclose(probabilities, model.predict_proba(SENTENCES + UNSEEN), rtol=0, atol=1e-9)


def test_accents_are_stripped_in_the_scikit_learn_pipeline_too() -> None:
    model = trained(word=TfidfVectorizer(strip_accents="unicode"))
    assert np.allclose(to_sklearn(model).predict_proba(["geneve"]), model.predict_proba(["Genève"]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("mode", MODES)
def test_the_scikit_learn_pipeline_names_the_topics(mode: str) -> None:
    model = trained(mode, **FEATURES["words and pieces"])
    pipeline = to_sklearn(model)
    assert pipeline.classes_.tolist() == list(TOPICS)
    assert np.array_equal(pipeline["classifier"].thresholds_, model.thresholds)
    given = np.array(model.predict_proba(SENTENCES) >= 0.5)
    if mode == "multiclass":  # by itself it takes the likeliest; with the thresholds it gives what the model gives
        even = replace(model, thresholds=np.full(3, 1 / 3))
        assert [(topic,) for topic in pipeline.predict(SENTENCES)] == even.predict(SENTENCES)
        best = (pipeline.predict_proba(SENTENCES) / pipeline["classifier"].thresholds_).argmax(axis=1)
        assert [(topic,) for topic in pipeline.classes_[best]] == model.predict(SENTENCES)
    else:
        assert np.array_equal(pipeline.predict(SENTENCES), given)


def test_the_features_of_the_scikit_learn_pipeline_are_its_own_and_have_names() -> None:
    features = to_sklearn(trained(**FEATURES["words and pieces"]))["features"]
    assert [type(vectorizer) for _, vectorizer in features.transformer_list] == [sk.TfidfVectorizer, sk.TfidfVectorizer]
    assert {type(column) for column in features.transformer_list[0][1].vocabulary_.values()} == {int}
    assert "word__ceasefire" in features.get_feature_names_out()


@pytest.mark.parametrize("mode", MODES)
def test_the_scikit_learn_pipeline_is_pickled_and_a_clone_of_it_is_fitted_anew(mode: str) -> None:
    model = trained(mode, **FEATURES["pairs"])
    pipeline = to_sklearn(model)
    again = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(again.predict_proba(SENTENCES), pipeline.predict_proba(SENTENCES))
    y = LABELS.argmax(axis=1) if mode == "multiclass" else LABELS
    fitted = clone(pipeline).fit(SENTENCES, y)
    assert (
        fitted["features"].transformer_list[0][1].get_params()
        == pipeline["features"].transformer_list[0][1].get_params()
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


ENDINGS = {"sklearn": "joblib", "skops": "skops"}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_an_exported_pipeline_runs_without_slugline(tmp_path: Path, form: str) -> None:
    model = trained("multiclass", **FEATURES["words and pieces"])
    file = tmp_path / "new" / f"model.{ENDINGS[form]}"
    assert write_model(model, file) == form
    command = [sys.executable, "-W", "error", "-c", ALONE, str(file), json.dumps(UNSEEN)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert np.allclose(json.loads(done.stdout), model.predict_proba(UNSEEN), rtol=0, atol=1e-9)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


# Refusals and the command


@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_a_model_that_is_not_linear_is_refused(tmp_path: Path, form: str) -> None:
    model = trained(classifier=RandomForestClassifier(2, random_state=0))
    with pytest.raises(InputError, match=r"^only linear models can be exported, not RandomForestClassifier; use the"):
        write_model(model, tmp_path / "model", form)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^format=pmml; allowed: sklearn, skops$"):
        write_model(trained(), tmp_path / "model", "pmml")
    with pytest.raises(
        InputError, match=r"model\.unknown: unknown ending; allowed: \.skops, \.joblib, \.pkl, \.pickle"
    ):
        write_model(trained(), tmp_path / "model.unknown")


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(InputError, match=r"^output=[^\n]*/file/model: cannot be written: File exists$"):
        write_model(trained(), tmp_path / "file" / "model", "sklearn")
    with pytest.raises(InputError, match=r"cannot be written: Is a directory$"):
        write_model(trained(), tmp_path, "sklearn")
    assert (tmp_path / "file").read_text() == "here"


@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_a_model_takes_the_place_of_a_model_and_of_nothing_else(tmp_path: Path, form: str) -> None:
    file = tmp_path / "model"
    for other in ("sklearn", "skops", form):
        write_model(trained(), file, other)
    file.unlink()
    file.touch()
    write_model(trained(), file, form)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("letter.txt", "Dear all")
    for content in (
        b"my notes",
        (tmp_path / "archive.zip").read_bytes(),
        gzip.compress(b"text"),
        zlib.compress(b"text"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"is there already and is no exported model; give another file$"):
            write_model(trained(), file, form)
        assert file.read_bytes() == content


@pytest.mark.parametrize("form", ["sklearn", "skops"])
def test_the_command_exports_a_model_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    model = trained()
    folder, file = save_model(model, tmp_path / "model"), tmp_path / f"model.{ENDINGS[form]}"
    export_command(ExportSettings(model_uri=str(folder), output=str(file)), Launch())
    exported = joblib.load(file) if form == "sklearn" else skops.io.load(file)
    assert np.allclose(exported.predict_proba(SENTENCES), model.predict_proba(SENTENCES), rtol=0, atol=1e-9)
    captured = capsys.readouterr()
    used = f"model   {folder}; 3 topics: ceasefire, sanctions, talks\n"
    assert (captured.out, captured.err) == ("", f"{used}{file}: 3 topics, {file.stat().st_size} bytes, format {form}\n")
