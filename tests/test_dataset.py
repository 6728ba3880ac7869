"""A dataset from which a topic cannot be learned or a model not scored is refused, and says which."""

import importlib
import json
import sys

import numpy as np
import pandas as pd
import pytest

from slugline.cache import Folder, Stages
from slugline.data import SentenceCorpus
from slugline.dataset import Dataset, build_dataset, check_dataset, read_labelled
from slugline.errors import InputError
from slugline.labels import Labels, Rule, Topic
from slugline.splits import Leakage, count_labels

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
            "every sentence of train is labelled: aid",
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


@pytest.fixture
def news(tmp_path):
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
def test_a_splitter_that_does_not_give_a_part_for_each_sentence_is_refused(news, parts, says):
    with pytest.raises(InputError, match=says):
        build_dataset(news, Labels(), lambda sentences, Y: parts, Stages())


def test_the_cache_knows_the_code_of_the_functions_that_rules_call(news, tmp_path, monkeypatch):
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
        return read_labelled(news, labels, stages)[1].sentences["labels"].tolist(), stages.notes["labels"]

    assert label("truce") == ([("peace",), ()], "made, nothing was kept")
    assert label("truce") == ([("peace",), ()], "reused")
    assert label("Rainfall or fog") == ([(), ()], "made, changed: code of rules_of_mine")
    sys.modules.pop("rules_of_mine", None)
