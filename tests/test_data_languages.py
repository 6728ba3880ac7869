"""Languages: of tags and of texts, counted, told, used to split, to score apart, and on pages from right to left."""

import json
import re

import pandas as pd
import pytest
from conftest import run_slugline
from multilingual import read_articles, write_sample

from slugline.data import ArticleCorpus, Corpus, SentenceCorpus
from slugline.data.languages import describe_languages, describe_unspaced, find_language, primary_language
from slugline.data.sentences import split_text
from slugline.errors import InputError
from slugline.ngrams import HashingVectorizer, TfidfVectorizer
from slugline.prediction.options import PredictOptions

TRAIN = ("train", "data=articles", "data.path=articles.jsonl", "labels=gold", "labels.gold=labels.jsonl")
TRAIN += ("cache=off", "tracking=off", "folds=2")
SAMPLE = read_articles()


@pytest.mark.parametrize("article", SAMPLE, ids=lambda article: article.text[:30])
def test_the_language_of_an_article_is_found_and_its_sentences_are_those_that_its_author_wrote(article):
    assert find_language(article.text) == article.language
    assert [one.text for one in split_text(article.text)] == [text for text, _, _ in article.sentences]


def test_the_sample_has_topics_in_five_languages():
    counts = pd.DataFrame(
        [(one.language, topic) for one in SAMPLE for _, topics, _ in one.sentences for topic in topics or ["none"]]
    ).value_counts()
    assert len(counts) == 5 * 4
    assert counts.min() >= 8


@pytest.mark.parametrize("text", ["", " ", "12 12", "x", "NATO EU UN", "***", "\ud800"])
def test_a_text_that_does_not_tell_has_no_language(text):
    assert find_language(text) is None
    assert [one.text for one in split_text(text)] == ([text.strip()] if text.strip() else [])


def test_english_is_known_without_loading_a_model(monkeypatch):
    monkeypatch.setattr("slugline.data.languages._load_identifier", lambda: pytest.fail("the model was loaded"))
    assert find_language("The envoy of the United Nations left the city. The talks go on.") == "en"


def test_only_the_beginning_of_a_long_text_is_read():
    assert find_language("El gobierno firmó una tregua con los rebeldes. " * 40 + "the and of " * 100_000) == "es"


@pytest.mark.parametrize(
    ("tag", "language"),
    [("de-DE", "de"), ("pt_BR", "pt"), ("zh-Hant-TW", "zh"), (" EN ", "en"), ("", None), (None, None), ("-", None)],
)
def test_a_tag_says_its_language(tag, language):
    assert primary_language(tag) == language


def test_articles_have_the_language_of_their_tag_or_that_of_the_settings_or_that_of_their_text(tmp_path):
    rows = [{"text": one.text} for one in SAMPLE[::12]]
    rows += [{"text": rows[0]["text"], "language": "pt-BR"}, {"text": "12 12"}]
    file = tmp_path / "articles.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert ArticleCorpus(str(file))().articles["language"].tolist()[:6] == ["es", "ar", "zh", "hi", "de", "pt"]
    given = ArticleCorpus(str(file), language="fr-CA")().articles["language"].tolist()
    assert given == ["fr"] * 5 + ["pt", "fr"]
    frame = pd.DataFrame({"article_id": ["a", "b"], "text": [rows[2]["text"]] * 2, "language": ["ja-JP", None]})
    assert Corpus.from_frame(frame).articles["language"].tolist() == ["ja", "zh"]


@pytest.mark.parametrize("tag", ["German", "12", "de DE", "", False])
def test_a_setting_that_names_no_language_is_refused(tag, tmp_path):
    (tmp_path / "a.txt").write_text("Es regnet.")
    with pytest.raises(InputError, match=r"data\.language=.*; allowed: a language tag such as de"):
        ArticleCorpus(str(tmp_path), language=tag)()
    with pytest.raises(InputError, match="language="):
        PredictOptions(input="a.txt", language=tag)


def test_sentences_that_come_ready_made_may_say_their_language(tmp_path):
    file = tmp_path / "sentences.jsonl"
    rows = [
        {"text": f"x {n}", "labels": ["a"], "article_id": str(n // 2), "Lang": ["de-DE", "es"][n // 2]}
        for n in range(4)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert SentenceCorpus(str(file))().sentences()["language"].tolist() == ["de", "de", "es", "es"]


def test_a_topic_that_is_called_language_stays_a_topic(tmp_path):
    file = tmp_path / "sentences.csv"
    file.write_text("text,language,law\nA school closed,1,0\nA court met,0,1\n")
    sentences = SentenceCorpus(str(file))().sentences()
    assert sentences["labels"].tolist() == [("language",), ("law",)]
    assert sentences["language"].isna().all()


def test_what_is_told_of_languages():
    assert describe_languages({"en": 3}) == []
    assert describe_languages({"en": 3, "unknown": 1}) == ["languages of the articles: en 3, unknown 1"]
    assert describe_languages({"th": 3}) == ["th has no stop marks: a line is a sentence"]
    assert describe_languages({"sw": 2, "eo": 1})[1].startswith("no abbreviations are known of eo, sw:")
    assert describe_languages({"sw": 2, "eo": 1}, split=False) == ["languages of the articles: sw 2, eo 1"]


def test_features_that_need_blanks_are_told_where_a_language_has_none():
    words, inside, all_signs = (TfidfVectorizer(analyzer=analyzer) for analyzer in ("word", "char_wb", "char"))
    (note,) = describe_unspaced(["ja", "zh", "es"], {"word": words, "char": inside})
    assert note.startswith("ja, zh is written without blanks")
    assert describe_unspaced(["zh"], {"hashing": HashingVectorizer()}) != []
    assert describe_unspaced(["zh"], {"word": words, "unspaced": all_signs}) == []
    assert describe_unspaced(["es"], {"word": words}) == []


def test_training_on_five_languages_counts_them_and_scores_each_apart(tmp_path):
    write_sample(tmp_path)
    options = ("features=unspaced", "evaluation.slices=[language]", "split.dev=0", "split.test=0.5", "plots=false")
    done = run_slugline(tmp_path, *TRAIN, *options)
    assert done.returncode == 0, done.stderr
    assert "note    languages of the articles: es 12, ar 12, zh 12, hi 12, de 12\n" in done.stdout
    assert "without blanks" not in done.stdout
    (slices,) = tmp_path.glob("experiments/runs/*/*/tables/slices.json")
    assert (
        len({*pd.read_json(slices, orient="split")["slice"]} & {"es", "ar", "zh", "hi", "de"}) >= 3
    )  # one with few articles is among the others
    macro = re.search(r"^macro +\S+ +\S+ +(\S+)", done.stdout, re.M)
    assert float(macro[1]) > 0.5  # chance, the most frequent topic, has less than 0.2


@pytest.mark.slow
def test_chinese_is_learnt_by_characters_and_its_right_to_left_fellow_is_shown_as_such(tmp_path):
    write_sample(tmp_path, "zh", "ar")
    done = run_slugline(tmp_path, *TRAIN, "split.dev=0", "split.test=0.5")
    assert "note    zh is written without blanks between words" in done.stdout
    (page,) = tmp_path.glob("experiments/runs/*/*/report/report.html")
    assert re.search(r'<blockquote dir="auto">', page.read_text(encoding="utf-8"))
    assert '<td dir="auto">truce</td>' in page.read_text(encoding="utf-8")


def test_predict_splits_by_the_language_that_it_is_told(tmp_path):
    write_sample(tmp_path, "de")
    assert run_slugline(tmp_path, *TRAIN, "features=word", "plots=false").returncode == 0
    (model,) = tmp_path.glob("experiments/runs/*/*/model")
    (tmp_path / "in.jsonl").write_text(json.dumps({"text": "Die 2. Kammer tagte. Sie ging."}) + "\n")
    for options, count in (([], 2), (["language=de-AT"], 2), (["language=en"], 3)):
        done = run_slugline(tmp_path, "predict", f"model_uri={model}", "input=in.jsonl", "n_jobs=1", *options)
        assert len(done.stdout.splitlines()) == count
