"""Rare topics never stop a training: they stay in train, or are set aside by name; what is wrong is one line."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from slugline.cache import Off, Stages
from slugline.components import to_config
from slugline.config.build import instantiate
from slugline.data import ArticleCorpus, SentenceCorpus
from slugline.dataset import build_dataset, check_dataset
from slugline.errors import InputError
from slugline.labels import Labels, Rule, Topic
from slugline.scoring import score
from slugline.splits import ByArticle, ByTime, Given, Random, share_out_people


def write_news(folder, labels_of_articles, size=4):
    """Write a file with the labels of each article, `size` sentences each, of which the last has no topic."""
    rows = [
        {"text": f"Word{number} said thing{place}.", "labels": labels if place < size - 1 else [], "article_id": number}
        for number, labels in enumerate(labels_of_articles)
        for place in range(size)
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SentenceCorpus(str(folder / "news.jsonl"))


def build(data, split=None, **labels):
    """Return the checked dataset."""
    dataset = build_dataset(data, Labels(**labels), split or ByArticle(), Stages(Off()))
    check_dataset(dataset, "train")
    return dataset


def test_a_topic_of_one_article_is_set_aside_by_name_and_one_of_two_stays_in_train(tmp_path):
    data = write_news(tmp_path, [["war"]] * 10 + [["flood", "war"]] * 2 + [["storm"]])
    dataset = build(data)
    assert dataset.topics == ("flood", "war")
    assert "not trained: fewer articles than labels.min_articles=2 carry: storm (1)" in dataset.notes
    assert dataset.label_counts.loc["flood"].tolist() == [6, 0, 0]
    assert "no sentence of test carries: flood; left out of its means over topics (macro)" in dataset.notes
    assert len(dataset.sentences) == 52
    assert build(data, min_articles=1).topics == ("flood", "storm", "war")


def test_a_topic_that_a_given_split_has_not_in_train_is_set_aside_by_name(tmp_path):
    rows = [{"text": f"T {n}.", "labels": ["war"] * (n % 2), "article_id": n, "split": "train"} for n in range(8)]
    rows += [{"text": f"U {n}.", "labels": ["flood"], "article_id": f"u{n}", "split": "test"} for n in range(3)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = build(SentenceCorpus(str(tmp_path / "news.jsonl")), Given())
    assert dataset.topics == ("war",)
    assert "not trained, as no sentence of train carries them: flood" in dataset.notes


def test_with_one_topic_each_the_sentences_of_a_rare_one_are_left_out(tmp_path):
    rows = [{"text": f"T {n}.", "labels": ["war", "aid"][n % 2], "article_id": n} for n in range(12)]
    rows.append({"text": "Rare.", "labels": "storm", "article_id": "r"})
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = build(SentenceCorpus(str(tmp_path / "news.jsonl")), mode="multiclass")
    assert (dataset.topics, len(dataset.sentences)) == (("aid", "war"), 12)
    assert dataset.Y.sum(axis=1).tolist() == [1] * 12


def test_a_list_of_names_restricts_the_topics_and_counts_the_labels_of_others(tmp_path):
    dataset = build(write_news(tmp_path, [["war", "flood"], ["aid"]] * 6), topics=["war", "flood"])
    assert dataset.topics == ("war", "flood")
    assert "18 labels of other topics than those of labels.only (or labels.topics) were ignored" in dataset.notes
    assert len(dataset.sentences) == 48


@pytest.mark.slow
@pytest.mark.parametrize("articles", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("split", [ByArticle(), Random(), ByArticle(dev=0.0, test=0.5)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_any_few_articles_give_a_dataset_or_one_line(tmp_path, articles, split, seed):
    random = np.random.default_rng(seed)
    topics = np.array(["war", "aid", "flood", "storm"])
    labels = [topics[random.random(4) < random.random(4)].tolist() for _ in range(articles)]
    data = write_news(tmp_path, labels)
    try:
        dataset = build(data, split)
    except InputError:  # the one error that a user may see
        return
    in_train = dataset.Y[dataset.rows("train")]
    assert in_train.any(axis=0).all()
    assert not in_train.all(axis=0).any()


def test_all_sentences_of_one_topic_and_no_topic_at_all_are_one_line(tmp_path):
    with pytest.raises(InputError, match="every training sentence carries: war"):
        build(SentenceCorpus(str(write_all(tmp_path))))
    with pytest.raises(InputError, match="no topic: none of the 36 labelled sentences names any"):
        build(write_news(tmp_path, [[]] * 9))
    with pytest.raises(InputError, match=r"no topic can be learned; fewer .*=2 carry: war \(1\); label more articles"):
        build(write_news(tmp_path, [["war"]] + [[]] * 9))


def write_all(folder):
    """Write sentences that all carry a topic."""
    rows = [{"text": f"T {n}.", "labels": ["war"], "article_id": n} for n in range(9)]
    (folder / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "all.jsonl"


def test_means_leave_out_topics_that_no_sentence_carries():
    Y = np.array([[True, False], [False, False]])
    scores = score(Y, Y, ["war", "aid"], probabilities=Y.astype(float))
    assert (scores["f1_macro"], scores["ap_macro"], scores["f1/aid"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("seed", [-1, 2**32, True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InputError, match=f"seed={seed}; allowed: a whole number from 0 to 4294967295"):
        Random(seed=seed)


def test_articles_without_dates_are_told_without_signs_of_pandas():
    frame = pd.DataFrame({"article_id": ["a", "b"], "published": [np.nan, np.nan]})
    with pytest.raises(InputError, match=r"article a has no date \(published: None\)"):
        ByTime()(frame, np.ones((2, 1), bool))


def test_copies_among_sentences_that_are_in_no_part_are_no_leak(tmp_path):
    (tmp_path / "gold.jsonl").write_text(
        "".join(
            json.dumps({"article_id": f"n{n}", "text": f"Truce {n} held.", "labels": ["truce"] * (n % 2)}) + "\n"
            for n in range(12)
        )
    )
    rows = [{"article_id": f"n{n}", "text": f"Truce {n} held. The same flood again."} for n in range(12)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    topics = {"truce": Topic(), "flood": Topic(keywords=["flood"])}
    data = ArticleCorpus(str(tmp_path / "news.jsonl"))
    split = ByArticle(duplicates="off")  # else "Truce 3 held." is a copy of "Truce 4 held."
    dataset = build(data, split, gold=str(tmp_path / "gold.jsonl"), rules=True, topics=topics)
    assert dataset.leakage.sentences == {"dev": 0, "test": 0}
    assert not any("leaks" in note for note in dataset.notes)


@pytest.mark.slow
@pytest.mark.parametrize("names", ["[aid,ceasefire]", "[ aid, 'ceasefire']"])
def test_a_list_of_topics_restricts_a_taxonomy_and_its_rules(tmp_path, command, names):
    done = command(tmp_path, "label", "labels=plover", f"labels.topics={names}", "tracking=off")
    assert done.returncode == 0, done.stderr
    assert " of 2 topics on " in done.stdout
    assert "protest" not in done.stdout.partition("together")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("labels.topics=[aid,war]", "labels.only: there is no topic 'war'; allowed: ceasefire, agreement"),
        ("labels.topics=war", "labels.only: there is no topic 'war'"),
        ("labels.topics=[]", "labels.only: found no topic; allowed: a list [A,B]"),
        ("labels.only=x", "labels: only: found one value; allowed: a list [A,B]"),
    ],
)
def test_topics_that_a_taxonomy_lacks_are_told_with_those_that_it_has(tmp_path, command, override, says):
    done = command(tmp_path, "label", "labels=plover", override, "codebook=x.md")
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_restricted_labeller_is_made_again_from_its_config():
    topics = {"aid": Topic(keywords=["relief"]), "war": Topic()}
    labels = Labels(topics=topics, only=["aid"], functions={"x": Rule(topic="war", any=["bomb"])})
    assert (labels.topics, labels.functions) == ({"aid": topics["aid"]}, {})
    assert instantiate(to_config(labels), "labels") == labels


def test_topics_given_as_a_list_on_the_command_line_restrict_them(tmp_path, command):
    write_news(tmp_path, [["war", "flood"], ["aid"]] * 6)
    data = ("data=sentences", "data.path=news.jsonl", "labels=given", "tracking=off", "plots=false")
    trained = command(tmp_path, "train", *data, "labels.topics=[war,flood]")
    assert trained.returncode == 0, trained.stderr
    assert "18 labels of other topics than those of labels.only (or labels.topics) were ignored" in trained.stdout
    assert "\nwar " in trained.stdout
    assert "\naid " not in trained.stdout


@pytest.mark.parametrize("name", ["train", "promote", "review"])
def test_a_negative_seed_is_one_line(tmp_path, command, name):
    write_news(tmp_path, [["war"], ["aid"]] * 6)
    data = ("data=sentences", "data.path=news.jsonl", "labels=given", "seed=-1")
    further = {"review": ("output=q.csv", "what=errors"), "promote": ("split=article",)}.get(name, ())
    ended = command(tmp_path, name, *data, *further)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_few_gold_labels_beside_rules_are_in_all_parts_and_judge_alone_by_cross_validation(tmp_path, command):
    rows = [{"article_id": f"n{n}", "text": f"Flood {n} rose. Calm day {n}. A storm {n} came."} for n in range(60)]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    gold = [{"article_id": f"n{n}", "text": f"Flood {n} rose.", "labels": "flood"} for n in range(0, 16, 2)]
    gold += [{"article_id": f"n{n}", "text": f"Calm day {n}.", "labels": []} for n in range(0, 16, 2)]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold))
    trained = command(
        tmp_path,
        "train",
        *("data=articles", "data.path=news.jsonl", "labels=rules", "labels.gold=gold.jsonl"),
        *("+labels.topics.flood=[flood*]", "+labels.topics.storm=[storm*]", "tracking=off", "plots=false"),
    )
    assert trained.returncode == 0, trained.stderr
    assert "no sentence of test carries: storm; left out of its means over topics (macro)" in trained.stdout
    assert re.search(r"cross-validated: \d+ sentences of \d+ articles, each judged by a model", trained.stdout)
    assert "none of the cross-validated sentences carries: storm; left out of its means" in trained.stdout
    assert trained.stdout.splitlines()[-1].startswith("next ")


@pytest.mark.parametrize("seed", range(10))
def test_what_people_labelled_beside_rules_is_in_the_judged_part_whatever_the_seed(seed):
    articles = np.repeat(np.arange(100), 3)
    by_people = np.isin(articles, [3, 50, 71, 99])
    frame = pd.DataFrame({"article_id": articles})
    split = ByArticle(seed=seed)
    parts = split(frame, share_out_people(split, np.ones((300, 1), bool), by_people))
    assert {"train", "test"} <= set(parts[by_people])
