"""`slugline review` as a user runs it: real models of the shipped sample, real files for annotators."""

import csv
import json
import re
import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slugline.annotate import FORMATS
from slugline.config.labelling import ReviewSettings
from slugline.config.launch import compose_settings
from slugline.errors import InputError
from slugline.labels import Topic
from slugline.model import TopicModel, load_model, save_model
from slugline.review.candidates import Candidates, define_topics
from slugline.review.queue import QueueOptions, cast_votes, choose, describe_sentence, prioritise, select_open

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
QUICK = ("tracking=off", "cache=off", "plots=false", "features=word")
PHRASE = r"[a-z]+ [01]\.\d\d(\d\d)?, threshold [01]\.\d\d(\d\d)?"
REASON = re.compile(rf"({PHRASE}(; rules disagree on [a-z, 0-9]+)?|rules disagree on {PHRASE})")


def lines(file):
    """Return the rows of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def write(file, rows):
    """Write rows as a JSONL file and return it."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def table(file):
    """Return the rows of a CSV file for annotators."""
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def desk(tmp_path_factory, command):
    """A folder with a model of half of the sample, its `labels.jsonl`, all `articles.jsonl` and some `new.jsonl`."""
    folder = tmp_path_factory.mktemp("desk")
    articles, labels = lines(SAMPLE / "articles.jsonl"), lines(SAMPLE / "labels.jsonl")
    known = {article["article_id"] for article in articles[::2]}
    write(folder / "articles.jsonl", articles)
    write(folder / "known.jsonl", articles[::2])
    write(folder / "new.jsonl", articles[1:40:2])
    write(folder / "labels.jsonl", [row for row in labels if row["article_id"] in known])
    options = ("data=articles", "data.path=known.jsonl", "labels=plover", "labels.rules=false")
    done = command(folder, "train", *QUICK, *options, "labels.gold=labels.jsonl", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def review(desk, command):
    """`review(*arguments)` asks that model for sentences to label and returns what became of it."""
    base = ("review", "model_uri=run/model", "data.path=articles.jsonl", "labels=plover", "labels.gold=labels.jsonl")
    return lambda *arguments: command(desk, *base, *arguments)


@pytest.fixture(scope="module")
def queue(desk, review):
    """The rows of a queue of 60, and what was printed."""
    done = review("size=60", "output=queue.csv")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return table(desk / "queue.csv"), done.stdout


# ---- the queue


def test_the_queue_holds_as_many_sentences_as_asked_for_none_of_them_labelled_and_none_twice(desk, queue):
    rows = queue[0]
    known = {row["article_id"] for row in lines(desk / "labels.jsonl")}
    assert len(rows) == 60 == len({row["sentence_id"] for row in rows})
    assert known.isdisjoint(row["article_id"] for row in rows)


def test_each_sentence_says_in_one_phrase_why_it_is_asked_for(queue):
    wrong = [row["reason"] for row in queue[0] if not REASON.fullmatch(row["reason"])]
    assert wrong == []


def test_the_probability_and_threshold_that_a_reason_names_are_those_of_the_model(desk, queue):
    model = load_model(desk / "run" / "model")
    for row in queue[0][:10]:
        topic, p, threshold = re.search(r"(\w+) ([\d.]+), threshold ([\d.]+)", row["reason"]).groups()
        column = model.topics.index(topic)
        assert float(p) == pytest.approx(model.predict_proba([row["text"]])[0, column], abs=0.0051)
        assert float(threshold) == pytest.approx(model.thresholds[column], abs=0.0051)


def test_the_counts_printed_add_up_to_what_was_read_and_chosen(queue):
    out = queue[1]
    kept, total, left_out = re.search(
        r"^data    (\d+) of (\d+) sentences are candidates; left out: (.*)$", out, re.M
    ).groups()
    counts = {why: int(count) for count, why in re.findall(r"(\d+) ([a-z ]+)", left_out)}
    assert int(kept) + sum(counts.values()) == int(total)
    assert counts["labelled"] > 1000
    chosen = re.search(r"^chosen  60 sentences: (\d+) uncertain, (\d+) rules disagree", out, re.M)
    assert sum(map(int, chosen.groups())) == 60
    by_topic = re.findall(r"^(\w+) +(\d+) +(\d+)$", out, re.M)
    assert len(by_topic) == 15
    assert sum(int(one) + int(other) for _, one, other in by_topic) == 60


def test_every_topic_has_its_turn(queue):
    asked = [re.search(r"(\w+) [\d.]+, threshold", row["reason"])[1] for row in queue[0]]
    assert len(set(asked)) == 15
    assert max(map(asked.count, asked)) <= 8


def test_the_weights_decide_what_is_asked_for(desk, review):
    done = review("size=30", "output=rules.csv", "uncertainty=0", "disagreement=1")
    assert "chosen  30 sentences: 0 uncertain, 30 rules disagree" in done.stdout, done.stderr
    model, labels = load_model(desk / "run" / "model"), compose_settings("train", ["labels=plover"]).labels
    for row in table(desk / "rules.csv"):
        topic = re.match(r"rules disagree on (\w+) ", row["reason"])[1]
        vote = cast_votes([row["text"]], [topic], labels)[0, 0]
        assert vote == (-1 if topic in model.predict([row["text"]])[0] else 1)


def test_copies_are_asked_for_once_and_near_duplicates_put_off(desk, review):
    articles = lines(desk / "articles.jsonl")[1::2]
    text = "The envoys warned that they would recall the peace monitors from the border by Friday."
    more = [articles[0] | {"article_id": f"copy {n}", "text": text} for n in range(5)]
    more += [
        articles[0] | {"article_id": f"near {day}", "text": text.replace("Friday", day)}
        for day in ("Monday", "Sunday", "June")
    ]
    write(desk / "copies.jsonl", [*more, *articles])
    sizes = ("size=1500", "data.path=copies.jsonl")
    done = review(*sizes, "output=apart.csv")
    assert re.search(r"left out: .*\b4 copies", done.stdout), done.stderr
    assert re.search(r"put off as too similar: [1-9]", done.stdout)
    asked = [row["text"] for row in table(desk / "apart.csv")]
    assert len(asked) == 1500
    assert sum(found.startswith("The envoys warned") for found in asked) == 1
    assert review(*sizes, "output=alike.csv", "diversity=0").returncode == 0
    asked = [row["text"] for row in table(desk / "alike.csv")]
    assert sum(found.startswith("The envoys warned") for found in asked) > 1


def test_an_earlier_model_tells_when_labelling_can_stop(review):
    few = ("size=5", "data.path=new.jsonl")
    once = review(*few, "output=once.csv", "previous_model_uri=run/model")
    assert "kappa   1.000" in once.stdout, once.stderr
    assert "0.00% of decisions changed" in once.stdout
    assert "hint    go on labelling" in once.stdout
    often = review(*few, "output=often.csv", "previous_model_uri=[run/model,run/model,run/model]")
    assert often.stdout.count("kappa   1.000 ") == 3
    assert "hint    predictions are stable; labelling can stop" in often.stdout


@pytest.mark.slow
def test_the_champion_of_a_store_is_asked_where_no_model_is_named(tmp_path, command):
    write(
        tmp_path / "old.jsonl", lines(SAMPLE / "articles.jsonl")[::2]
    )  # a user's own data, whose model is the default one
    own = ("data=articles", "data.path=old.jsonl", "labels=sample")
    assert command(tmp_path, "train", *own, "cache=off", "plots=false", "features=word", "folds=2").returncode == 0
    write(tmp_path / "new.jsonl", [{"text": "The minister threatened to close the border. Talks go on in Geneva."}])
    done = command(tmp_path, "review", "data.path=new.jsonl", "labels=plover", "output=queue.csv")
    assert done.returncode == 0, done.stderr
    assert [row["article_id"] for row in table(tmp_path / "queue.csv")] == ["new.jsonl:1"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_a_queue_comes_in_every_format_and_is_read_back(desk, review, format):
    output = (
        f"queue.{format}.{format if format in ('csv', 'xlsx') else 'json' if format == 'label_studio' else 'jsonl'}"
    )
    done = review("size=8", "data.path=new.jsonl", f"output={output}", f"format={format}")
    assert done.returncode == 0, done.stderr
    assert f"written {output} ({format})" in done.stdout
    assert (desk / output).stat().st_size > 500


# ---- errors


@pytest.fixture(scope="module")
def errors(desk, command):
    """Gold labels of the sample of which 200 sentences got a topic that is not theirs, and those found to be wrong."""
    rng = np.random.default_rng(0)
    rows = lines(SAMPLE / "labels.jsonl")
    topics = sorted({topic for row in rows for topic in row["labels"]})
    wrong = {}
    for place in rng.permutation(len(rows))[:200]:
        topic = str(rng.choice([topic for topic in topics if topic not in rows[place]["labels"]]))
        rows[place] = rows[place] | {"labels": [*rows[place]["labels"], topic]}
        wrong[rows[place]["article_id"], rows[place]["text"]] = topic
    write(desk / "spoiled.jsonl", rows)
    options = ("data=sample", "labels=sample", "labels.gold=spoiled.jsonl", "features=word")
    done = command(desk, "review", "what=errors", "size=40", "output=wrong.csv", *options)
    assert done.returncode == 0, done.stderr
    return wrong, table(desk / "wrong.csv"), done.stdout


def test_labels_that_were_spoiled_are_the_first_to_be_found(errors):
    wrong, rows, _ = errors
    assert len(rows) == 40
    hits = [(row["article_id"], row["text"]) in wrong for row in rows]
    assert sum(hits) >= 12  # by chance: two


def test_the_reason_names_the_label_that_looks_wrong_and_what_the_model_thinks(errors):
    wrong, rows, _ = errors
    phrase = r"(not )?labelled \w+, model [01]\.\d\d(\d\d)?"
    assert all(re.fullmatch(rf"{phrase}(; {phrase})*", row["reason"]) for row in rows)
    spoiled = [(row, wrong[key]) for row in rows if (key := (row["article_id"], row["text"])) in wrong]
    assert sum(f"labelled {topic}, model 0.0" in row["reason"] for row, topic in spoiled) >= 0.8 * len(spoiled)


def test_what_is_found_is_counted_by_topic(errors):
    out = errors[2]
    labels, sentences = map(
        int, re.search(r"^found   (\d+) labels of (\d+) sentences look wrong; 40 ", out, re.M).groups()
    )
    by_topic = re.findall(r"^(\w+) +(\d+) +(\d+)$", out, re.M)
    assert len(by_topic) == 15
    assert sum(int(one) + int(other) for _, one, other in by_topic) == labels >= sentences


def test_a_topic_that_no_label_has_is_passed_over_by_name(desk, command):
    rows = [
        row | {"labels": [topic for topic in row["labels"] if topic != "aid"]} for row in lines(desk / "labels.jsonl")
    ]
    write(desk / "without.jsonl", rows)
    options = ("data.path=known.jsonl", "labels=sample", "labels.gold=without.jsonl", "model=linear_svc", "folds=2")
    done = command(desk, "review", "what=errors", "size=5", "output=passed.csv", "features=word", *options)
    assert done.returncode == 0, done.stderr
    assert "passed over, since all labels are alike: aid (none of the sentences)\n" in done.stdout


# ---- mistakes


MISTAKES = {
    ("what=que",): "slugline: what: 'que'; allowed: queue, errors",
    ("size=0",): "slugline: size: 0; allowed: a number of sentences, from 1",
    ("output=x.txt",): "slugline: format: none, and the ending of x.txt does not tell; allowed: label_studio, doccano,",
    ("format=exel",): "slugline: format: 'exel'; allowed: label_studio, doccano,",
    (
        "output=known.jsonl",
        "format=csv",
    ): "slugline: output: known.jsonl is there already and may hold labels; give another",
    ("data.path=known.jsonl",): "slugline: nothing to label: 0 of ",
    ("model_uri=nowhere",): "slugline: no model at 'nowhere'; allowed: a model folder, models:/NAME@ALIAS",
    (
        "previous_model_uri=other",
    ): "slugline: previous_model_uri: the topics of other are sport, rain; allowed: ceasefire,",
    (
        "what=errors",
        "data=sample",
        "labels=sample",
        "labels.gold=one.jsonl",
    ): "slugline: what=errors needs at least 10 labelled sentences, of 2 articles or more",
    ("what=errors", "folds=1"): "slugline: folds: 1; allowed: from 2",
    (
        "what=errors",
        "labels.gold=few.jsonl",
    ): "slugline: what=errors needs at least 10 labelled sentences, of 2 articles or more, to cross-validate; found 2 of 2",
}


@pytest.fixture(scope="module")
def mistaken(desk):
    """The desk, with what the mistakes speak of."""
    labels = lines(desk / "labels.jsonl")
    write(desk / "one.jsonl", [row for row in labels if row["article_id"] == labels[0]["article_id"]])
    write(desk / "few.jsonl", [labels[0], labels[-1]])
    model = load_model(desk / "run" / "model")
    head = type(model.head)(model.head.weights[:2], model.head.intercept[:2])
    other = TopicModel(("sport", "rain"), "multilabel", model.vectorizers, head, model.thresholds[:2])
    save_model(other, desk / "other")
    yield desk
    shutil.rmtree(desk / "other")


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_mistake_is_one_line_and_nothing_is_written(mistaken, review, arguments):
    before = {file.name: file.stat().st_mtime_ns for file in mistaken.iterdir()}
    output = () if any(argument.startswith("output=") for argument in arguments) else ("output=never.csv",)
    done = review(*arguments, *output)
    assert done.returncode == 1
    assert done.stderr.startswith(MISTAKES[arguments]), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {file.name: file.stat().st_mtime_ns for file in mistaken.iterdir()} == before


# ---- the parts


def frame(*texts, **columns):
    """Return sentences of one article, ids s0, s1, ..."""
    ids = [f"s{number}" for number in range(len(texts))]
    base = {"sentence_id": ids, "article_id": "a", "text": texts, "debris": False, "labels": None}
    return pd.DataFrame(base | columns)


def test_what_is_labelled_debris_or_stands_there_twice_is_no_candidate_and_counted_once():
    texts = ("Talks began.", "Post a comment", "talks began", "Talks began.", "Rain fell.")
    candidates = Candidates(
        frame(*texts, debris=[False, True, False, False, False]),
        np.array([1, 0, 0, 0, 0], dtype=bool),
        (),
        {"rejected": 2},
    )
    open_sentences, description = select_open(candidates)
    assert open_sentences["text"].tolist() == ["talks began", "Rain fell."]
    assert description == (
        "data    2 of 5 sentences are candidates; left out: 1 labelled, 1 debris, 1 copies, 2 rejected"
    )
    with pytest.raises(InputError, match="nothing to label: 0 of 2"):
        select_open(Candidates(candidates.sentences.iloc[:2], np.array([True, False]), (), {}))


def test_a_model_that_gives_one_topic_a_sentence_is_asked_by_the_margin_to_the_next(desk):
    model = load_model(desk / "run" / "model")
    single = TopicModel(model.topics, "multiclass", model.vectorizers, model.head, model.thresholds)
    p = np.full(15, 0.01)
    p[:2] = 0.44, 0.42
    limits, disputed = np.full(15, 0.42), np.arange(15) == 4
    reason = describe_sentence(single, "uncertain", 0, probabilities=p, limits=limits, disputed=disputed)
    assert reason == "ceasefire 0.44, to beat 0.42; rules disagree on aid"


def test_features_are_made_for_the_best_candidates_alone_and_rows_are_those_of_all(desk):
    model = load_model(desk / "run" / "model")
    texts = [row["text"] for row in lines(SAMPLE / "labels.jsonl")][:400]
    options = QueueOptions(size=3, diversity=0.2, uncertainty=1.0, disagreement=0.0, rarity=0.0)
    probabilities = model.predict_proba(texts)
    limits = np.tile(model.thresholds, (400, 1))
    priorities = prioritise(options, probabilities, limits, np.zeros(probabilities.shape, np.int8))
    batch = choose(options, model, texts, priorities, [])
    assert priorities.score[batch.rows].tolist() == sorted(priorities.score, reverse=True)[:3]
    best = texts[batch.rows[0]]
    again = choose(options, model, texts, priorities, [best])
    assert batch.rows[0] not in again.rows


def test_the_weights_of_the_command_are_those_of_the_library():
    defaults = {field.name: field.default for field in fields(ReviewSettings)}
    options = QueueOptions()
    for key in ("uncertainty", "disagreement", "rarity", "diversity", "size"):
        assert getattr(options, key) == defaults[key]


def test_the_definition_of_a_topic_is_that_of_the_taxonomy_else_that_of_the_model():
    taxonomy = {"aid": Topic(definition="Help."), "threat": Topic()}
    known = {"aid": "old", "threat": "A warning."}
    definitions = define_topics(("aid", "threat", "new"), taxonomy, {"definitions": known})
    assert define_topics(("new",), taxonomy, {"definitions": "text"}) == {"new": ""}
    assert definitions == {"aid": "Help.", "threat": "A warning.", "new": ""}
