"""What stands beside a sentence as features: the same answer wherever its article is read, saved as data, explained."""

import io
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.ensemble import ExtraTreesClassifier
from tiny_encoders import tiny_weights, write_encoder

from slugline.cache import Folder, Stages
from slugline.data import ArticleCorpus, SentenceCorpus
from slugline.data.context import Context, add_context, drop_context, find_context, no_context, read_context
from slugline.data.sentences import split_text
from slugline.dataset import Dataset, build_dataset
from slugline.encoder import SentenceEncoder
from slugline.errors import InputError
from slugline.finetune import FineTunedEncoder
from slugline.labels import Labels
from slugline.model import TopicModel, load_model, save_model
from slugline.model.context_features import ContextFeatures, Neighbours
from slugline.model.export import to_sklearn
from slugline.model.heads import LinearHead
from slugline.model.pyfunc import _load_pyfunc
from slugline.model.rule_votes import RuleFeatures
from slugline.model.vectorizers import Vectorizer, all_times_weights, transform_all
from slugline.ngrams import NgramOptions, TfidfVectorizer, VocabularyCounter
from slugline.prediction import PredictOptions, predict_articles, predict_files
from slugline.training.chosen_features import choose_for
from slugline.training.fit import FittedModel, fit_model
from slugline.training.fold_features import Block, FoldFeatures
from slugline.training.scores import score_model
from slugline.training.settings import TrainSettings
from slugline.training.teaching import Teacher

TOPICS = ("attacks & Überfall", "rain")
PLACES = ("Geneva", "Cairo", "Oslo", "Lima")


def article(number: int) -> dict[str, Any]:
    """Return an article: what "It went on." is about, the sentence before or the title says alone."""
    is_war, place = number % 2 == 0, PLACES[number % 4]
    texts = [
        f"Rebels attacked {place} today." if is_war else f"Rain fell on {place}.",
        "It went on.",
        f"Markets in {place} were calm.",
    ]
    title = f"Storm number {number}" if number % 3 == 0 else f"News number {number}"
    return {"article_id": f"ä {number}", "title": title, "text": " ".join(texts), "sentences": texts, "war": is_war}


ARTICLES = [article(number) for number in range(40)]


def labels_of(row: dict[str, Any]) -> list[list[str]]:
    """Return the labels of the sentences of an article."""
    topic = ["attacks & Überfall"] if row["war"] else ["rain"]
    storm = ["rain"] if row["title"].startswith("Storm") and row["war"] else []
    return [topic + storm, topic + storm, []]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the articles, their gold labels but for every fourth last sentence, and parts."""
    folder = tmp_path_factory.mktemp("context")
    write(folder / "articles.jsonl", [{key: row[key] for key in ("article_id", "title", "text")} for row in ARTICLES])
    gold = [
        {"article_id": row["article_id"], "text": text, "labels": labels}
        for number, row in enumerate(ARTICLES)
        for place, (text, labels) in enumerate(zip(row["sentences"], labels_of(row), strict=True))
        if place < 2 or number % 4
    ]
    write(folder / "gold.jsonl", gold)
    return folder


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    """Write JSON lines."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@cache
def dataset(data: Path, **options: Any) -> Dataset:
    """Return the articles with their labels, a fifth of them in test."""

    def split(sentences: pd.DataFrame, _: np.ndarray) -> np.ndarray:
        numbers = sentences["article_id"].str.removeprefix("ä ").astype(int)
        return np.where(numbers >= 32, "test", "train").astype(object)

    labels = Labels(gold=str(data / "gold.jsonl"))
    return build_dataset(ArticleCorpus(str(data / "articles.jsonl")), labels, split, Stages(), **options)


def fit(data: Path, context: Neighbours | None = None, **options: Any) -> FittedModel:
    """Fit a model of words."""
    features = options.pop("features", {"word": TfidfVectorizer(), "char": TfidfVectorizer(analyzer="char_wb")})
    settings = TrainSettings(features=features, context=context, folds=3, n_jobs=1, **options)
    return fit_model(dataset(data, context=context is not None), settings, Stages())


@pytest.fixture(scope="module")
def fitted(data: Path) -> FittedModel:
    return fit(data, Neighbours(0.7))


@pytest.fixture(scope="module")
def saved(fitted: FittedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(fitted.model, tmp_path_factory.mktemp("saved") / "model")


# What stands beside a sentence


def test_neighbours_are_of_the_same_article_in_the_order_of_its_sentences(tmp_path: Path) -> None:
    rows = [("b", "b0"), ("a", "a0"), ("b", "b1"), ("a", "Post a Comment"), ("", "alone"), ("a", "a2")]
    write(tmp_path / "s.jsonl", [{"article_id": key, "text": text, "labels": ["x"]} for key, text in rows])
    sentences = add_context(SentenceCorpus(str(tmp_path / "s.jsonl"))().sentences())
    read = read_context(sentences)
    assert dict(zip(sentences["text"], zip(read.before, read.after, strict=True), strict=True)) == {
        "b0": ("", "b1"), "b1": ("b0", ""), "alone": ("", ""),
        "a0": ("", "Post a Comment"), "Post a Comment": ("a0", "a2"), "a2": ("Post a Comment", ""),
    }  # fmt: skip
    assert read.title == [""] * 6
    shuffled = sentences.sample(frac=1, random_state=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(add_context(drop_context(shuffled)), shuffled)
    with pytest.raises(InputError, match="'context_before' is a column of the data"):
        add_context(sentences)


def test_frames_and_lists_say_the_same(data: Path) -> None:
    sentences = add_context(ArticleCorpus(str(data / "articles.jsonl"))().sentences())
    split = [(one, row["title"]) for row in ARTICLES for one in split_text(row["text"])]
    found = find_context([one for one, _ in split], [title for _, title in split])
    assert read_context(sentences) == found
    assert found.before[:4] == ["", ARTICLES[0]["sentences"][0], "It went on.", ""]


def test_an_unlabelled_neighbour_is_read_too(data: Path) -> None:
    sentences = dataset(data, context=True).sentences
    assert (sentences["article_id"] == "ä 0").sum() == 2
    assert sentences["context_after"][1] == ARTICLES[0]["sentences"][2]


# Training


def test_what_only_the_neighbours_and_the_title_tell_is_learned(data: Path, fitted: FittedModel) -> None:
    plain, known = fit(data), dataset(data)
    went_on = (known.sentences["text"] == "It went on.").to_numpy()
    for rows in (known.rows("train") & went_on, known.rows("test") & went_on):
        assert (fitted.model.decide(fitted.probabilities)[rows] == known.Y[rows]).mean() > 0.95
        assert (plain.model.decide(plain.probabilities)[rows] == known.Y[rows]).mean() < 0.7


def test_held_out_sentences_get_what_the_model_gives(data: Path, fitted: FittedModel) -> None:
    known = dataset(data, context=True)
    test = known.sentences[known.rows("test")]
    P = fitted.model.predict_proba(test["text"].tolist(), read_context(test))
    np.testing.assert_allclose(P, fitted.probabilities[known.rows("test")], rtol=0, atol=1e-12)
    reader, labels = ArticleCorpus(str(data / "articles.jsonl")), Labels(gold=str(data / "gold.jsonl"))
    assert score_model(fitted.model, reader, labels).metrics["f1_macro"] > 0.95


def test_off_is_as_if_there_were_no_context(data: Path, tmp_path: Path) -> None:
    assert TrainSettings().context is None
    assert not {"context_before", "context_after"} & set(dataset(data).sentences)
    model = fit(data).model
    assert not model.reads_context
    assert json.loads((save_model(model, tmp_path / "model") / "model.json").read_text("utf-8"))["format"] == 1
    texts = ["It went on.", "Rain fell."]
    context = Context(["Rebels attacked."] * 2, ["", ""], ["Storm", ""])
    np.testing.assert_array_equal(model.predict_proba(texts, context), model.predict_proba(texts))


def test_each_side_of_a_fold_has_a_length_of_its_own() -> None:
    texts, context = ["a b d", "b c", "c a"], Context(["", "a b", "b c"], ["b c", "c a", ""], ["c", "c", ""])
    counter = VocabularyCounter.from_terms(NgramOptions(token_pattern=r"(?u)\b\w+\b"), list("abcd"))
    features = ContextFeatures(Vectorizer("word", counter, np.arange(1.0, 5.0)), 0.5)
    X = features.transform(texts, context)
    learned, held_out = FoldFeatures([Block(X * 3.0, "l2", 1, 0.5)]).divide(np.array([False, False, True]))
    np.testing.assert_allclose(np.vstack([learned.toarray(), held_out.toarray()]), X.toarray(), rtol=0, atol=1e-15)


@pytest.mark.slow
def test_what_is_not_read_is_told(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    pytest.importorskip("torch", reason="the extra `finetune` is not installed")
    encoder = FineTunedEncoder(folder=str(write_encoder(tmp_path / "encoder", tiny_weights())))
    settings = TrainSettings(features={"word": TfidfVectorizer(), "encoder": encoder}, context=Neighbours())
    sentences = dataset(data, context=True).sentences
    assert choose_for(settings, sentences)[1] == [
        "features.encoder reads a sentence alone, as its encoder is fine-tuned"
    ]
    lone = sentences.assign(context_before="", context_after="", title=None)
    assert "finds nothing: no sentence has another beside it" in choose_for(settings, lone)[1][1]
    assert choose_for(replace(settings, context=None), sentences)[1] == []


def test_a_teacher_is_refused_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"^context=neighbours: a teacher labels sentences alone; allowed: teacher=null"
    ):
        TrainSettings(context=Neighbours(), teacher=Teacher())
    with pytest.raises(InputError, match=r"^context: found 'neighbours'; allowed: .*Neighbours\(\)$"):
        TrainSettings(context="neighbours")
    with pytest.raises(InputError, match=r"^context.weight: 0; allowed: above 0"):
        Neighbours(0)


# Prediction


def test_a_sentence_gets_the_same_wherever_its_article_is_read(
    fitted: FittedModel, saved: Path, data: Path, tmp_path: Path
) -> None:
    model = load_model(saved)
    rows = [{key: row[key] for key in ("article_id", "title", "text")} for row in ARTICLES]
    table = predict_articles(model, rows)
    assert table["topics"][1] == ("attacks & Überfall", "rain")
    expected = table[list(TOPICS)].to_numpy()
    known = dataset(data, context=True).sentences
    np.testing.assert_allclose(
        table.set_index("sentence_id").loc[known["sentence_id"], list(TOPICS)], fitted.model.predict_proba(
            known["text"].tolist(), read_context(known)
        ), rtol=0, atol=1e-12,
    )  # fmt: skip
    alone = [one.probabilities for row in rows for one in model.predict_article(row["text"], title=row["title"])]
    np.testing.assert_array_equal(pd.DataFrame(alone).to_numpy(), expected)
    for batch in (1, 400, 1 << 20):
        stream = io.BytesIO()
        predict_files(saved, PredictOptions(input=str(data / "articles.jsonl"), batch=batch, n_jobs=1), stream=stream)
        records = pd.read_json(io.BytesIO(stream.getvalue()), lines=True, precise_float=True)
        np.testing.assert_array_equal(records[list(TOPICS)].to_numpy(), expected)

    split = [(one, row["title"]) for row in rows for one in split_text(row["text"])]
    beside = find_context([one for one, _ in split], [title for _, title in split])
    given = pd.DataFrame({"text": [one.text for one, _ in split], **beside._asdict()})
    shuffled = given.sample(frac=1, random_state=2)
    served = _load_pyfunc(str(saved)).predict(shuffled)[list(TOPICS)].to_numpy()
    np.testing.assert_array_equal(served, expected[shuffled.index])
    lone = _load_pyfunc(str(saved)).predict(pd.DataFrame({"text": ["It went on."], "title": [None]}))
    np.testing.assert_array_equal(lone[list(TOPICS)].to_numpy(), model.predict_proba(["It went on."]))
    whole = predict_articles(model, [{"text": "It went on.", "title": "Storm"}], split_sentences=False)
    expected = model.predict_proba(["It went on."], Context([""], [""], ["Storm"]))
    np.testing.assert_array_equal(whole[list(TOPICS)].to_numpy(), expected)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "dask"])
def test_workers_give_what_one_process_gives(saved: Path, data: Path, tmp_path: Path, engine: str) -> None:
    if engine == "dask":
        pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    for name, options in {"one": {"n_jobs": 1}, "two": {"n_jobs": 2, "batch": 300, "engine": engine}}.items():
        source = str(data / "articles.jsonl")
        predict_files(saved, PredictOptions(source, str(tmp_path / f"{name}.jsonl"), explain=3, **options))
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    assert '"before: ' in (tmp_path / "one.jsonl").read_text("utf-8")


@pytest.mark.slow
def test_an_estimator_that_is_not_linear_reads_it_too(data: Path) -> None:
    forest = ExtraTreesClassifier(5, random_state=0)
    model = fit(data, Neighbours(), model=forest, features={"word": TfidfVectorizer()}).model
    context = Context(["Rebels attacked Oslo today."], [""], [""])
    assert model.predict_proba(["It went on."], context)[0, 0] > model.predict_proba(["It went on."])[0, 0] + 0.1


def test_no_text_and_lone_texts_are_read(fitted: FittedModel) -> None:
    model = fitted.model
    assert model.predict_proba([]).shape == (0, 2)
    assert model.predict_article("") == []
    alone = model.predict_proba(["It went on.", ""])
    np.testing.assert_array_equal(model.predict_proba(["It went on.", ""], no_context(2)), alone)


@pytest.mark.slow
def test_all_commands_take_such_a_model_or_say_why_not(command: Any, data: Path, tmp_path: Path) -> None:
    articles, gold = f"data.path={data / 'articles.jsonl'}", f"labels.gold={data / 'gold.jsonl'}"
    given = ["data=articles", articles, "labels=gold", gold]
    train = [*given, "labels.min_articles=1", "folds=3", "features=word", "split.dev=0.2"]
    for options in (["name=plain"], ["name=beside", "context=neighbours"]):
        done = command(tmp_path, "train", *train, *options)
        assert done.returncode == 0, done.stderr
    assert "features.word" in next(
        line for line in done.stdout.splitlines() if line.startswith("cache") and "reused" in line
    )
    promoted = command(tmp_path, "promote", "gate.max_calibration_error=1", "gate.max_macro_drop=1")
    assert promoted.returncode == 0, promoted.stderr
    assert "moved" in promoted.stdout

    uri = "model_uri=models:/slugline@champion"
    source = str(data / "articles.jsonl")
    ran = command(tmp_path, "predict", uri, f"input={source}", "output=one.jsonl", "explain=2", "n_jobs=1")
    assert ran.returncode == 0, ran.stderr
    ran = command(
        tmp_path,
        "predict",
        uri,
        "explain=2",
        "batch=300",
        "n_jobs=1",
        "format=jsonl",
        stdin=Path(source).read_text("utf-8"),
    )
    one = pd.read_json(tmp_path / "one.jsonl", lines=True)
    pd.testing.assert_frame_equal(pd.read_json(io.StringIO(ran.stdout), lines=True), one)
    assert one["explain"].astype(str).str.contains("before: ").any()

    import mlflow.pyfunc  # as a registered model takes them, given or not

    folders = [file.parent for file in tmp_path.rglob("MLmodel")]
    served = next(
        loaded for loaded in map(mlflow.pyfunc.load_model, map(str, folders)) if "before" in str(loaded.metadata)
    )
    rows = pd.DataFrame({"text": one["text"][:3], "before": ["", *one["text"][:2]], "after": [*one["text"][1:3], ""]})
    P = served.predict(rows.assign(title=one["title"][:3]))[list(TOPICS)].to_numpy()
    np.testing.assert_allclose(P, one[list(TOPICS)][:3], rtol=0, atol=1e-9)
    assert len(served.predict(rows[["text"]])) == 3

    refused = command(tmp_path, "export", uri, "output=model.joblib")
    assert refused.returncode == 1
    assert "context=neighbours cannot be exported" in refused.stderr
    assert refused.stderr.count("\n") == 1
    for arguments in (
        ["review", uri, "data=articles", articles, "labels=gold", "labels.gold=null", "output=queue.csv", "size=3"],
        ["monitor", uri, f"input={source}"],
        ["compare", "experiment=slugline", "last=2"],
        ["reproduce", "run_id=beside"],
    ):
        ran = command(tmp_path, *arguments)
        assert ran.returncode in ((0, 3) if arguments[0] == "monitor" else (0,)), (arguments, ran.stderr)  # 3: an alarm
    assert "context_before" not in (tmp_path / "queue.csv").read_text("utf-8")


@pytest.mark.slow
def test_training_in_chunks_reads_it_too(command: Any, data: Path, tmp_path: Path) -> None:
    done = command(
        tmp_path, "train", "data=articles", f"data.path={data / 'articles.jsonl'}", "labels=gold",
        f"labels.gold={data / 'gold.jsonl'}", "labels.min_articles=1", "context=neighbours", "features=hashing",
        "features.hashing.n_features=1024", "model=sgd", "data.chunk_rows=7", "split.dev=0.3", "split.duplicates=off", "tracking=off",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    model = load_model(next(tmp_path.rglob("model.json")).parent)
    assert model.vectorizers[0].n_features == 4096
    rows = [{key: row[key] for key in ("article_id", "title", "text")} for row in ARTICLES]
    went_on = predict_articles(model, rows)["topics"][1::3]
    assert np.mean([set(given) == set(labels_of(row)[0]) for given, row in zip(went_on, ARTICLES, strict=True)]) > 0.8


# Explanation, and the model as data


def test_an_explanation_names_the_side_and_adds_up(fitted: FittedModel) -> None:
    model, context = fitted.model, Context(["Rebels attacked Cairo today."], ["Markets rose."], ["Storm number 6"])
    explained = model.explain("It went on.", top=0, context=context)
    for topic, decision in zip(TOPICS, model.decision_function(["It went on."], context)[0], strict=True):
        assert sum(explained[topic].values()) == pytest.approx(decision)
    assert next(iter(explained["attacks & Überfall"])).startswith("before: ")
    assert next(iter(explained["rain"])) in ("before: rebels", "title: storm", "before: attacked")
    assert {"after: markets", "went"} <= set(explained["rain"])
    assert any(term.startswith("word: 'before: ") for term in model.top_terms("attacks & Überfall"))
    assert not any(":" in word for word in model.explain("It went on.", top=0)["rain"])
    assert "word: " in repr(model)
    assert "terms with context" in repr(model)


def test_a_saved_model_is_data_of_format_4_and_gives_the_same(fitted: FittedModel, saved: Path) -> None:
    header = json.loads((saved / "model.json").read_text("utf-8"))
    assert header["format"] == 4
    assert {key: header["features"][0][key] for key in ("name", "kind", "weight")} == {
        "name": "word", "kind": "context", "weight": 0.7,
    }  # fmt: skip
    texts, context = ["It went on.", "Rain fell."], Context(["Rebels attacked."] * 2, ["", "x"], ["Storm", ""])
    back = load_model(saved)
    np.testing.assert_array_equal(back.predict_proba(texts, context), fitted.model.predict_proba(texts, context))
    X = transform_all(back.vectorizers, texts, context)
    weights = np.random.default_rng(0).normal(size=(X.shape[1], 2))
    np.testing.assert_allclose(all_times_weights(back.vectorizers, texts, weights, context), X @ weights)


def test_features_of_all_kinds_can_stand_inside(tmp_path: Path) -> None:
    from slugline.labels import Rule

    rules = ContextFeatures(RuleFeatures("rules", {"rain": Rule(topic="rain", any=["rain*"])}, 0.5), 0.5)
    head = LinearHead(np.array([[1, 2, 3, 4]], np.float32), np.zeros(1))
    model = TopicModel(("rain",), "multiclass", (rules,), head, np.ones(1))
    back = load_model(save_model(model, tmp_path / "model"))
    assert back.vectorizers == model.vectorizers
    context = Context(["rains"], [""], ["Rain"])
    assert back.decision_function(["dry"], context).tolist() == [[0.25 * 2 + 0.25 * 4]]
    assert back.explain("dry", context=context)["rain"] == {
        "title: rule rain/keywords": 1.0, "before: rule rain/keywords": 0.5, "(intercept)": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"weight": 0}, "weight: 0"),
        ({"weight": True}, "weight true"),
        ({"weight": 1e300}, "allowed: above 0"),
        ({"inner": None}, "inner are not features"),
        ({"inner": {"kind": "context"}}, "inner are not features"),
        ({"inner": {"name": "x", "kind": "function"}}, "kind 'function'"),
        ({"kind": "ngrams"}, "features 0"),
    ],
)
def test_what_is_no_context_is_refused_in_one_line(saved: Path, tmp_path: Path, change: Any, problem: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for file in saved.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    header = json.loads((folder / "model.json").read_text("utf-8"))
    header["features"][0] |= change
    (folder / "model.json").write_text(json.dumps(header), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_model(folder)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_it_cannot_be_exported(fitted: FittedModel) -> None:
    with pytest.raises(InputError, match=r"^context=neighbours cannot be exported, as scikit-learn is not given"):
        to_sklearn(fitted.model)


def test_vectors_of_an_encoder_stand_beside_too(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
    encoder = SentenceEncoder(str(write_encoder(tmp_path / "encoder", tiny_weights())))
    settings = TrainSettings(features={"encoder": encoder}, context=Neighbours(), folds=3, n_jobs=1)
    stages = Stages(Folder(str(tmp_path / "cache")))
    known = dataset(data, context=True)
    fitted = fit_model(known, settings, stages)
    model = load_model(save_model(fitted.model, tmp_path / "model"))
    test = known.sentences[known.rows("test")]
    P = model.predict_proba(test["text"].tolist(), read_context(test))
    np.testing.assert_allclose(P, fitted.probabilities[known.rows("test")], rtol=0, atol=1e-9)
    assert isinstance(model.vectorizers[0].transform(["", "a"], no_context(2)), csr_array)
    assert model.vectorizers[0].transform(["a"], no_context(1)).nnz == 32  # what is not there has no vector
    context = Context(["rain fell"], [""], ["the city"])
    explained = model.explain("talks began", top=0, context=context)["rain"]
    assert {"talks", "began", "before: (sentence as a whole)", "title: (sentence as a whole)"} <= set(explained)
    assert sum(explained.values()) == pytest.approx(model.decision_function(["talks began"], context)[0, 1])
