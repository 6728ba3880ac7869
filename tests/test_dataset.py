"""A dataset from which a topic cannot be learned or a model not scored is refused, and says which."""

import importlib
import json
import sys

import numpy as np
import pandas as pd
import pytest

from slugline.cache import Folder, Stages
from slugline.data import SentenceCorpus
from slugline.data.digests import digest_sentences
from slugline.dataset import Dataset, build_dataset, check_dataset, read_labelled, select_labelled
from slugline.errors import InputError
from slugline.labels import Labelled, Labels, Rule, Topic
from slugline.leakage import Leakage
from slugline.splits import ByArticle, count_labels

PARTS = ["train"] * 4 + ["dev", "test"]


def dataset(Y, parts=PARTS, articles="aabbcd", source="gold", topics=("aid", "war")):
    """Return a dataset of six sentences and two topics."""
    sentences = pd.DataFrame({"article_id": list(articles), "split": parts, "label_source": source})
    Y = np.array(Y, dtype=bool)
    label_counts = count_labels(Y, sentences["split"].to_numpy(), topics)
    sizes = {part: parts.count(part) for part in set(PARTS)}
    return Dataset(sentences, Y, topics, "multilabel", Leakage(0, {}, {}), {}, [], sizes, label_counts)


GOOD = [[1, 0], [0, 1], [1, 0], [0, 0], [0, 0], [0, 0]]


def test_what_can_be_learned_passes():
    check_dataset(dataset(GOOD), "train")
    check_dataset(dataset(GOOD), "dev")


@pytest.mark.parametrize(
    ("changed", "part", "says"),
    [
        (dataset([[1, 0], [0, 0], [0, 0], [0, 0], [0, 1], [0, 1]]), "train", "no positive example in train of: war"),
        (
            dataset([[1, 0], [1, 0], [1, 0], [1, 1], [0, 0], [0, 0]]),
            "train",
            "every training sentence carries: aid",
        ),
        (
            dataset(GOOD, topics=("text", "aid")),
            "train",
            "topic 'text' has the name of a column of predictions",
        ),
        (dataset(GOOD, articles="aaaabb"), "train", "sentences of at least 2 articles to cross-validate, found 1"),
        (dataset(GOOD, parts=["train"] * 6), "train", "no sentence in dev or test to score a model on"),
        (
            dataset(GOOD, parts=["train"] * 4 + ["test"] * 2),
            "dev",
            "no sentence in dev, on which thresholds are chosen",
        ),
    ],
)
def test_what_cannot_be_learned_is_told(changed, part, says):
    with pytest.raises(InputError, match=says):
        check_dataset(changed, part)


def test_sentences_labelled_by_rules_test_nothing_where_people_labelled_some():
    mixed = dataset(GOOD, source=["rules", "gold", "rules", "gold", "rules", "gold"])
    assert mixed.rows("train").tolist() == [True] * 4 + [False] * 2
    assert not mixed.rows("dev").any()
    assert mixed.rows("test").tolist() == [False] * 5 + [True]
    assert dataset(GOOD, source="rules").rows("dev").tolist() == [False] * 4 + [True, False]


def news(**columns) -> pd.DataFrame:
    """Return twelve labelled sentences of four articles, of which one is debris and one has no label."""
    labels = [("war",), (), ("aid",)] * 4
    rows = pd.DataFrame({"text": [f"Sentence {n}." for n in range(12)], "labels": labels})
    rows["article_id"] = [f"a{n // 3}" for n in range(12)]
    rows["sentence_id"] = [f"s{n}" for n in range(12)]
    rows["debris"] = [n == 1 for n in range(12)]
    rows["label_source"] = ["given"] * 11 + [""]
    return rows.assign(**columns)


def test_debris_and_what_has_no_label_is_left_out_unless_a_person_gave_debris_a_topic():
    used = select_labelled(Labelled(news(), ("aid", "war"), []))
    assert used["sentence_id"].tolist() == ["s0", *(f"s{n}" for n in range(2, 11))]
    debris = news(debris=[n in (0, 1) for n in range(12)])
    assert "s0" in select_labelled(Labelled(debris, ("aid", "war"), []))["sentence_id"].tolist()


def test_the_digest_of_sentences_is_that_of_their_ids_and_labels_whatever_the_order_of_the_labels():
    rows = news()
    assert digest_sentences(rows) == digest_sentences(rows.assign(text="other"))
    changed = rows.assign(labels=[("aid", "war"), *rows["labels"][1:]])
    turned = rows.assign(labels=[("war", "aid"), *rows["labels"][1:]])
    assert digest_sentences(changed) == digest_sentences(turned) != digest_sentences(rows)
    assert len(digest_sentences(rows)) == 16


def test_a_topic_is_calibrated_on_what_people_labelled_where_they_labelled_enough_of_it():
    Y = np.array([[True, n < 2] for n in range(12)])
    sentences = news(split="train", label_source=["gold"] * 11 + ["rules"])
    label_counts = count_labels(Y, sentences["split"].to_numpy(), ("aid", "war"))
    one = Dataset(sentences, Y, ("aid", "war"), "multilabel", Leakage(0, {}, {}), {}, [], {}, label_counts)
    assert one.calibration_rows("train").tolist() == [[True, True]] * 11 + [[False, True]]


def test_every_sentence_that_was_read_is_used_or_left_out_for_a_reason(tmp_path):
    lines = [
        json.dumps({"text": f"They met {n} times.", "labels": ["war"] * (n % 2), "article_id": n // 4})
        for n in range(40)
    ]
    (tmp_path / "s.jsonl").write_text(
        "\n".join([*lines, "no JSON", '{"text": "Nobody labelled this.", "labels": null}'])
    )
    built = build_dataset(SentenceCorpus(str(tmp_path / "s.jsonl")), Labels(), ByArticle(), Stages())
    counts = built.counts
    assert (counts["used"], counts["unlabelled"], counts["rejected"]) == (40, 1, 1)
    assert counts["used"] + counts["unlabelled"] + counts["debris"] == counts["sentences"] == 41
    assert sum(built.sizes.values()) == 40 == len(built.sentences) == len(built.Y)
    assert built.Y[:, 0].tolist() == [bool(labels) for labels in built.sentences["labels"]]
    assert (built.topics, built.evaluated_part, built.leakage.articles) == (("war",), "test", 0)


@pytest.fixture
def two_sentences(tmp_path):
    """A reader of two labelled sentences."""
    rows = [{"text": "The truce held.", "labels": ["peace"]}, {"text": "Rain fell.", "labels": []}]
    file = tmp_path / "news.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SentenceCorpus(str(file))


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        (["train"], r"split: an array of shape \(1,\); allowed: \(2,\), a part for each sentence"),
        (["train", "valid"], "split: 'valid' is no part; allowed: train, dev, test"),
    ],
)
def test_a_splitter_that_does_not_give_a_part_for_each_sentence_is_refused(two_sentences, parts, says):
    with pytest.raises(InputError, match=says):
        build_dataset(two_sentences, Labels(min_articles=1), lambda sentences, Y: parts, Stages())


def test_the_cache_knows_the_code_of_the_functions_that_rules_call(two_sentences, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    labels = Labels(
        given=False,
        rules=True,
        topics={"peace": Topic()},
        functions={"f": Rule(topic="peace", function="rules_of_mine.applies")},
        allowed_modules=["rules_of_mine"],
    )

    def label(word):
        (tmp_path / "rules_of_mine.py").write_text(f"def applies(text):\n    return {word!r} in text\n")
        sys.modules.pop("rules_of_mine", None)
        importlib.invalidate_caches()
        stages = Stages(Folder(str(tmp_path / "cache")))
        return read_labelled(two_sentences, labels, stages)[1].sentences["labels"].tolist(), stages.notes["labels"]

    assert label("truce") == ([("peace",), ()], "made, nothing was kept")
    assert label("truce") == ([("peace",), ()], "reused")
    assert label("Rainfall or fog") == ([(), ()], "made, changed: code of rules_of_mine")
    sys.modules.pop("rules_of_mine", None)
