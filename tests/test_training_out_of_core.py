"""Text larger than memory: chunks give what the whole gives, nothing is lost, and what cannot be is one line."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slugline.data.corpus import ArticleCorpus
from slugline.data.ready_sentences import SentenceCorpus
from slugline.errors import InputError
from slugline.splits import ByArticle
from slugline.training.chunk_splits import ChunkSplit

SAMPLE = Path(__file__).parents[1] / "data/sample/articles.jsonl"
STREAM = ("train", "tracking=off", "plots=false", "features=hashing", "model=sgd", "hydra.run.dir=run")


def run(command, folder: Path, *options: str):
    """Train in a folder and return what was printed, the metrics without times, and the predictions for test."""
    folder.mkdir()
    done = command(folder, *STREAM, *options)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((folder / "run/metrics.json").read_text())
    scores = {key: value for key, value in metrics.items() if not key.startswith("time/")}
    return done.stdout, scores, pd.read_parquet(folder / "run/tables/predictions_test.parquet")


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_chunks_of_articles_are_the_articles_in_order(size):
    whole = ArticleCorpus(str(SAMPLE))()
    chunks = list(ArticleCorpus(str(SAMPLE), chunk_rows=size).chunks())
    assert max(len(chunk.articles) for chunk in chunks) == min(size, len(whole.articles))
    joined = pd.concat([chunk.articles for chunk in chunks], ignore_index=True)
    pd.testing.assert_frame_equal(joined.fillna("-"), whole.articles.fillna("-"), check_dtype=False)


def test_what_cleaning_changed_in_chunks_is_what_it_changed_in_the_whole(tmp_path):
    texts = ["AT&amp;T met them.", "Plain.", "schÃ¶n &amp; gut.", "Post a Comment"] * 3
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    whole = ArticleCorpus(str(tmp_path / "a.jsonl"))().cleaned
    assert {step: len(ids) for step, ids in whole.items()} == {"html_entities": 6, "mojibake": 3}
    chunks = ArticleCorpus(str(tmp_path / "a.jsonl"), chunk_rows=2).chunks()
    joined = {step: [] for step in whole}
    for chunk in chunks:
        for step, ids in chunk.cleaned.items():
            joined[step] += ids
    assert joined == whole


def test_chunks_of_sentences_do_not_cut_an_article_and_count_what_was_rejected(tmp_path):
    rows = [{"article_id": f"a{n // 4}", "text": f"Sentence {n} of these.", "labels": ["war"]} for n in range(18)]
    lines = [json.dumps(row) for row in rows]
    lines[5] = "no JSON"
    (tmp_path / "s.jsonl").write_text("\n".join(lines))
    whole = SentenceCorpus(str(tmp_path / "s.jsonl"))()
    chunks = list(SentenceCorpus(str(tmp_path / "s.jsonl"), chunk_rows=3).chunks())
    assert [len(chunk.ready_sentences) for chunk in chunks] == [4, 3, 4, 4, 2]
    assert [len(chunk.rejected) for chunk in chunks] == [0, 1, 0, 0, 0]
    ids = [key for chunk in chunks for key in chunk.ready_sentences["sentence_id"]]
    assert ids == whole.ready_sentences["sentence_id"].tolist()


def test_an_empty_stream_is_one_line(tmp_path):
    (tmp_path / "s.jsonl").write_text("no JSON\n")
    with pytest.raises(InputError, match=r"no sentence could be read; s\.jsonl:1: not JSON"):
        list(SentenceCorpus(str(tmp_path / "s.jsonl"), chunk_rows=3).chunks())


@pytest.fixture(scope="module")
def streamed(command, tmp_path_factory):
    """A folder with a model of the sample in chunks, and what `run` returned of it."""
    folder = tmp_path_factory.mktemp("streamed") / "few"
    return folder, *run(command, folder, "data.chunk_rows=40")


@pytest.mark.slow
def test_any_size_of_chunk_gives_the_same_sentences_and_one_chunk_after_another_learns(command, streamed, tmp_path):
    _, said, few, by_few = streamed
    _, one, by_one = run(command, tmp_path / "one", "data.chunk_rows=100000")
    counted = [key for key in few if key.startswith(("data/", "leakage/", "dev/support/", "test/support/"))]
    assert {key: few[key] for key in counted} == {key: one[key] for key in counted}
    assert by_few["sentence_id"].tolist() == by_one["sentence_id"].tolist()
    assert few["data/train"] + few["data/dev"] + few["data/test"] == few["data/used"]
    assert few["data/used"] + few["data/debris"] + few["data/unlabelled"] == few["data/sentences"]
    assert few["leakage/articles"] == 0
    assert few["test/f1_macro"] > 2 * few["test/f1_macro_rules"] / 3 > 10 * few["test/f1_macro_most_frequent"]
    assert abs(few["test/ap_macro"] - one["test/ap_macro"]) < 0.05
    assert "calibration and thresholds are chosen on dev" in said


@pytest.mark.slow
def test_a_streamed_model_predicts_as_it_did_when_it_was_scored(streamed):
    from slugline import load_model

    folder, _, _, predicted = streamed
    model = load_model(str(folder / "run/model"))
    p = model.predict_proba(predicted["text"].tolist())
    assert np.abs(p - predicted[list(model.topics)].to_numpy()).max() < 1e-6  # weights and features are float32
    assert [list(topics) for topics in predicted["topics"]] == [list(t) for t in model.predict(predicted["text"])]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["features=word"],
            "data.chunk_rows: features.word learns from all texts; allowed: features=hashing, features=encoder",
        ),
        (["model=linear_svc"], "data.chunk_rows: LinearSVC has no partial_fit; allowed: model=sgd"),
        (["split=time"], "data.chunk_rows: ByTime needs all the text; allowed: split=article, split=column"),
        (["split.dev=0"], "no sentence in dev; with data.chunk_rows thresholds are chosen on dev"),
        (["data.chunk_rows=0"], "data.chunk_rows: 0; allowed: a number of rows"),
        (["epochs=0"], "epochs: 0; allowed: 1 or more"),
        (["model.class_weight=balanced"], "model SGDClassifier cannot be fitted"),
    ],
)
def test_what_needs_all_the_text_at_once_is_one_line(command, tmp_path, options, says):
    done = command(tmp_path, *STREAM, "data.chunk_rows=50", *options)
    assert done.returncode == 1
    assert done.stderr.startswith(f"slugline: {says}"), done.stderr
    assert done.stderr.count("\n") == 1


def name(number: int) -> str:
    """Return a name for a number, since texts that differ in numbers alone are copies."""
    return "".join(chr(97 + digit) for digit in divmod(number, 26))


def write_flood_news(folder: Path, rare_labels: list[list[str]]) -> None:
    """Write articles of three sentences with their labels, in every second one a flood; then articles of two."""
    articles = [[["flood"] if n % 2 else [], [], ["storm"] * (n % 3 == 0)] for n in range(60)]
    articles += [[labels, []] for labels in rare_labels]
    rows = [
        {
            "article_id": f"a{n}",
            "text": f"{' '.join(labels) or 'Calm'} in town {name(n)} on day {place}.",
            "labels": labels,
        }
        for n, article in enumerate(articles)
        for place, labels in enumerate(article)
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


SMALL = (*STREAM, "features.hashing.n_features=4096", "epochs=1", "data=sentences", "data.path=news.jsonl")


def test_topics_of_too_few_articles_are_set_aside_by_name_also_in_chunks(command, tmp_path):
    write_flood_news(tmp_path, [["quake"], []])
    done = command(tmp_path, *SMALL, "data.chunk_rows=40")
    assert done.returncode == 0, done.stderr
    assert "note    not trained: fewer articles than labels.min_articles=2 carry: quake (1)" in done.stdout
    assert list(pd.read_csv(tmp_path / "run/tables/labels.csv")["topic"]) == ["flood", "storm"]
    few = [line for line in done.stdout.splitlines() if "too few to judge by" in line]
    assert len(few) == 1
    assert "out of core nothing is cross-validated" in few[0]


def test_in_chunks_with_one_topic_each_the_sentences_of_a_rare_one_are_left_out_and_counted(command, tmp_path):
    rows = [
        {
            "article_id": f"a{n // 2}",
            "text": f"Day {name(n)}.",
            "labels": ["quake" if n == 7 else "flood" if n % 3 else "storm"],
        }
        for n in range(200)
    ]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = command(tmp_path, *SMALL, "data.chunk_rows=30", "labels.mode=multiclass")
    assert done.returncode == 0, done.stderr
    assert "data    199 of 200 sentences, 100 articles; left out: 1 of topics not trained" in done.stdout
    metrics = json.loads((tmp_path / "run/metrics.json").read_text())
    assert metrics["data/used"] == 199 == sum(metrics[f"data/{part}"] for part in ("train", "dev", "test"))


def test_chunks_without_any_topic_among_others_with_some_are_trained_on(command, tmp_path):
    write_flood_news(tmp_path, [[]] * 30)
    done = command(tmp_path, *SMALL, "data.chunk_rows=12")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (
            ["labels.gold=gold.jsonl"],
            "gold labels: 0 of 1 match one of the 204 sentences; a gold label has sentence_id='x'",
        ),
        (["labels.given=false"], "no sentence is labelled; labels come from a file"),
        (
            ["labels.min_articles=99"],
            "no topic can be learned; fewer articles than labels.min_articles=99 carry: flood (30)",
        ),
        (["split.keep=parts.csv"], "split.keep: it knows none of 72 articles; an id there is 'z', here 'a0'"),
    ],
)
def test_what_is_wrong_with_the_labels_of_all_chunks_is_one_line(command, tmp_path, labels, says):
    write_flood_news(tmp_path, [[]] * 12)
    (tmp_path / "gold.jsonl").write_text('{"sentence_id": "x", "labels": ["flood"]}\n')
    (tmp_path / "parts.csv").write_text("article_id,split\nz,test\n")
    done = command(tmp_path, *SMALL, "data.chunk_rows=50", *labels)
    assert done.returncode == 1
    assert done.stderr.startswith(f"slugline: {says}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_articles_stay_in_their_part_also_in_chunks(command, tmp_path):
    write_flood_news(tmp_path, [])
    (tmp_path / "parts.csv").write_text("article_id,split\n" + "".join(f"a{n},test\n" for n in range(10, 20)))
    done = command(tmp_path, *SMALL, "data.chunk_rows=50", "split.keep=parts.csv")
    assert done.returncode == 0, done.stderr
    assert "note    10 of 60 articles stay in the part that they had (split.keep)" in done.stdout
    predicted = pd.read_parquet(tmp_path / "run/tables/predictions_test.parquet")
    assert {f"a{n}" for n in range(10, 20)} <= set(predicted["article_id"])


def test_a_hashed_model_is_exported_to_scikit_learn(tmp_path):
    from slugline.model import TopicModel, load_model, save_model
    from slugline.model.export import to_sklearn
    from slugline.model.heads import LinearHead
    from slugline.model.vectorizers import Vectorizer
    from slugline.ngrams import HashingCounter, NgramOptions

    random = np.random.default_rng(0)
    head = LinearHead(random.normal(size=(2, 64)).astype(np.float32), np.zeros(2))
    part = Vectorizer("hashing", HashingCounter(NgramOptions(ngram_range=(1, 2)), 64), None)
    model = TopicModel(("a", "b"), "multilabel", (part,), head, np.full(2, 0.5))
    texts = ["a truce was agreed", "", "talks on talks on a truce", *map(str, range(1000, 1020))]
    expected = model.predict_proba(texts)
    assert np.abs(to_sklearn(model).predict_proba(texts) - expected).max() < 1e-12
    assert np.abs(np.concatenate([model.predict_proba([text]) for text in texts]) - expected).max() < 1e-12
    loaded = load_model(save_model(model, tmp_path / "model"))
    assert (loaded.predict_proba(texts) == expected).all()
    assert set(loaded.explain("a truce", top=0)["a"]) > {"(intercept)"}


def test_in_chunks_new_exact_copies_go_to_what_is_kept_and_kept_ones_stay_where_they_are():
    ids = [f"{kind}{n}" for n in range(12) for kind in ("kept", "new")]
    data = pd.DataFrame({"article_id": ids, "text": [f"Rain in {name(row // 2)}." for row in range(len(ids))]})
    data = data.assign(sentence_id=[f"s{row}" for row in range(len(data))])
    kept = {f"kept{n}": ("train", "dev", "test")[n % 3] for n in range(12)}
    late = pd.DataFrame({"article_id": ["kept0 too", "new too"], "text": data["text"][0], "sentence_id": ["t0", "t1"]})
    split = ChunkSplit(ByArticle(seed=3, keep=kept | {"kept0 too": "test"}))
    divided = pd.concat([split(data[:9]), split(data[9:]), split(late)])
    assert [divided["split"].iloc[row] for row in range(24)] == [kept[f"kept{row // 2}"] for row in range(24)]
    assert divided["split"].tolist()[24:] == ["test", "train"]
    assert split.known_articles == 13


def test_in_chunks_a_kept_article_goes_before_a_new_one_that_was_read_before_it():
    keys = [f"new{n}" for n in range(20)]
    first = pd.DataFrame({"article_id": keys, "text": "Rain fell.", "sentence_id": keys})
    split = ChunkSplit(ByArticle(keep={"kept": "dev"}))
    parts = split(first)["split"]
    assert parts.nunique() == 1  # of the first, by its hash
    then = [split(first.assign(article_id=key, sentence_id=key)[:1])["split"].item() for key in ("kept", "later")]
    assert then == ["dev", "dev"] != [parts[0], parts[0]]


def test_where_copies_leave_nothing_for_dev_the_error_says_that_they_stay_together(command, tmp_path):
    rows = [{"article_id": f"a{n}", "text": f"Day {n}.", "labels": ["flood"] * (n % 2)} for n in range(60)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = command(tmp_path, *SMALL, "data.chunk_rows=30")
    assert done.returncode == 1
    assert "as copies of each other stay together (split.duplicates=off)" in done.stderr
