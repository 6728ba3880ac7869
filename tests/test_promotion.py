"""The gate lets through what is good enough by itself and not worse than the champion, on the topics that can be judged."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from slugline.errors import InputError
from slugline.model import TopicModel, save_model
from slugline.model.heads import LinearHead
from slugline.model.vectorizers import from_estimator
from slugline.promotion import Contender, EvaluationSet, Gate, Reference, judge, share_predictions
from slugline.report.verdict import describe_verdict

TOPICS = ("truce", "talks")


def contender(folder, version, weights=((20.0, 0.0), (0.0, 20.0))):
    """Return a saved model that gives a topic for its word; other weights make it a worse one."""
    vectorizer = from_estimator("word", CountVectorizer(vocabulary=TOPICS).fit([]))
    head = LinearHead(np.array(weights, np.float32), np.full(2, -10.0))
    model = TopicModel(TOPICS, "multilabel", (vectorizer,), head, np.full(2, 0.5))
    return Contender(version, save_model(model, folder / version), model)


@pytest.fixture
def good(tmp_path):
    return contender(tmp_path, "2")


@pytest.fixture
def poor(tmp_path):
    """A model that takes half the words for topics."""
    return contender(tmp_path, "3", ((20.0, 20.0), (-20.0, 20.0)))


def news(topics=TOPICS):
    """Return sentences of 60 articles, each of one topic or none."""
    words = np.array(["truce", "talks", "rain"])[np.arange(180) * 7 % 3]
    Y = np.array([[word == topic for topic in topics] for word in words])
    return EvaluationSet("test", [f"The {word} went on" for word in words], Y, topics, np.arange(180) // 3)


def test_a_good_model_without_a_champion_passes_and_its_verdict_is_json(good):
    verdict = judge(Gate(), news(), good, None)
    assert verdict.failed == []
    values = json.loads(json.dumps(verdict.to_dict()))
    assert list(values) == ["candidate", "gate", "sentences", "part", "absent", "version", "failed", "reasons"]
    assert values["reasons"] == ["there is no champion to be better than"]
    assert values["candidate"]["macro"] == 1.0
    assert values["candidate"]["topics"] == {"truce": 1.0, "talks": 1.0}
    assert values["candidate"]["megabytes"] == pytest.approx(
        sum(file.stat().st_size for file in good.folder.rglob("*") if file.is_file()) / 1e6
    )


def test_a_model_worse_than_the_champion_does_not_pass(good, poor):
    verdict = judge(Gate(max_calibration_error=1.0), news(), poor, good)
    assert len(verdict.failed) == 1
    assert str(verdict.failed[0]).startswith("macro F1 0.")
    assert " against 1.000 of version 2: worse by 0." in str(verdict.failed[0])
    assert str(verdict.failed[0]).endswith(": beyond the tolerance of 0.02 (gate.max_macro_drop=0.02)")
    values = verdict.to_dict()
    assert list(values) == [
        "candidate", "gate", "sentences", "part", "absent", "champion", "version", "failed", "reasons",
    ]  # fmt: skip
    assert (values["version"], values["champion"]["version"], values["champion"]["macro"]) == ("3", "2", 1.0)
    assert list(values["champion"]["difference"]) == ["one", "other", "difference", "low", "high", "p"]
    assert values["champion"]["difference"]["difference"] == pytest.approx(values["candidate"]["macro"] - 1)
    assert judge(Gate(max_calibration_error=1.0, max_macro_drop=1.0), news(), poor, good).failed == []


def step(folder, version, missed):
    """Return a saved model that knows 100 words of truces but the first few, and all of talks."""
    words = [f"truce{number}" for number in range(100)] + ["talks"]
    vectorizer = from_estimator("word", CountVectorizer(vocabulary=words).fit([]))
    weights = np.zeros((101, 2), np.float32)
    weights[missed:100, 0] = weights[100, 1] = 20
    model = TopicModel(TOPICS, "multilabel", (vectorizer,), LinearHead(weights.T, np.full(2, -10.0)), np.full(2, 0.5))
    return Contender(version, save_model(model, folder / version), model)


def test_many_small_steps_down_do_not_add_up(tmp_path):
    words = [f"truce{number}" for number in range(100)] * 20 + ["talks"] * 1000
    Y = np.array([[word != "talks", word == "talks"] for word in words])
    judged = EvaluationSet("test", [f"The {word} went on" for word in words], Y, TOPICS, np.arange(len(words)))
    first, second, third = (step(tmp_path, str(number), missed) for number, missed in ((1, 0), (2, 5), (3, 10)))
    gate = Gate(max_calibration_error=1)
    for candidate, champion in ((second, first), (third, second)):
        verdict = judge(gate, judged, candidate, champion)
        assert verdict.failed == []
        (reason,) = verdict.reasons()
        assert re.fullmatch(
            rf"against version {champion.version}: worse by 0.01\d, at the lower end of its interval by 0.01\d: "
            "within the tolerance of 0.02",
            reason,
        )
    verdict = judge(gate, judged, third, second, [(second, judged), (first, judged)])
    assert verdict.best_before.version == "1"
    (failure,) = verdict.failed
    assert " of version 1: worse by 0.02" in str(failure)
    assert "beyond the tolerance of 0.02" in str(failure)
    assert verdict.to_dict()["best_before"]["sentences"] == 3000
    shown = describe_verdict(verdict)
    assert "against version 2: worse by 0.01" in shown
    assert "note    version 1 is the best of the champions before, judged on 3000 sentences" in shown
    assert "gate      macro F1 worse by 0.02 at most, least topic 0 or more, calibration error 1 or less" in shown


@pytest.mark.parametrize(
    ("gap", "low", "high", "words"),
    [
        (0.0, 0.0, 0.0, "the same predictions"),
        (0.03, 0.01, 0.05, "better by 0.030, beyond chance"),
        (0.03, -0.01, 0.05, "better by 0.030, at the lower end of its interval worse by 0.010: within the tolerance of 0.02"),
        (0.0, -0.01, 0.01, "equal, at the lower end of its interval worse by 0.010: within the tolerance of 0.02"),
        (-0.01, -0.02, 0.01, "worse by 0.010, at the lower end of its interval by 0.020: within the tolerance of 0.02"),
        (-0.01, -0.0204, 0.01, "worse by 0.010, at the lower end of its interval by 0.0204: beyond the tolerance of 0.02"),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_words_that_agree_with_the_limit(gap, low, high, words):
    reference = Reference("1", None, {"difference": gap, "low": low, "high": high}, 9)
    assert reference.describe(0.02) == words


def test_what_fails_alone_and_what_fails_against_the_champion_are_listed_together(good, poor):
    failed = judge(Gate(max_calibration_error=1.0, max_megabytes=0.0001), news(), poor, good).failed
    assert [failure.reason.split(" ")[0] for failure in failed] == ["megabytes", "macro"]


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (Gate(min_topic_f1=1.1), "F1 of talks is 1.000"),
        (Gate(max_megabytes=0.0001), "megabytes 0."),
        (Gate(max_milliseconds=0.0000001), "milliseconds for a sentence"),
        (Gate(max_calibration_error=0.0000001), "calibration error"),
    ],
)
def test_each_part_of_the_gate_can_close_it(good, gate, reason):
    assert reason in "; ".join(map(str, judge(gate, news(), good, good).failed))


def test_a_topic_that_no_sentence_has_is_not_judged(good):
    dataset = news()
    none = replace(dataset, Y=dataset.Y & [True, False], part="all")
    verdict = judge(Gate(min_topic_f1=1.1, max_calibration_error=1.0), none, good, good)
    assert verdict.evaluation_set.absent == ["talks"]
    assert list(map(str, verdict.failed)) == ["F1 of truce is 1.000 (gate.min_topic_f1=1.1)"]
    assert "180 sentences of all; not judged, since none has it: talks" in describe_verdict(verdict)


def test_a_model_without_a_topic_of_the_data_is_refused(good):
    with pytest.raises(InputError, match="has no topic 'rain', which the data has; it has: truce, talks"):
        judge(Gate(), news((*TOPICS, "rain")), good, None)


def test_nothing_to_judge_by_is_refused():
    dataset = news()
    with pytest.raises(InputError, match="part=dev: it has no sentences"):
        EvaluationSet("dev", [], dataset.Y[:0], TOPICS, dataset.articles[:0])
    with pytest.raises(InputError, match="part=test: none of its sentences has a topic"):
        replace(dataset, Y=np.zeros_like(dataset.Y))


def cross_validated(contender, missed, count=180):
    """Return a contender with the predictions that its run made for some news, of which it missed every so many."""
    judged = news()
    labels = [tuple(np.array(TOPICS)[row]) for row in judged.Y]
    given = [() if number % missed == 0 else topics for number, topics in enumerate(labels)]
    columns = {topic: [0.9 if topic in topics else 0.1 for topics in given] for topic in TOPICS}
    ids = [f"{number:016x}" for number in range(len(labels))]
    frame = pd.DataFrame({"sentence_id": ids, "article_id": judged.articles.astype(str), "text": judged.texts})
    frame = frame.assign(labels=labels, topics=given, position=0, start=0, end=9, **columns)
    return contender._replace(cross_validated=frame[:count])


def test_models_are_judged_by_what_their_runs_cross_validated_on_the_sentences_that_both_did(good, poor):
    candidate, champion = cross_validated(poor, 20), cross_validated(good, 3, count=120)
    champion.cross_validated.at[0, "labels"] = ("talks",)
    judged = share_predictions("cross_validated", candidate, champion)
    assert (len(judged.texts), judged.topics) == (119, TOPICS)
    verdict = judge(Gate(max_calibration_error=1), judged, candidate, champion)
    assert verdict.failed == []
    assert verdict.candidate.macro > 0.95 > 0.8 > verdict.champion.figures.macro
    assert "judged by cross-validation on 119 sentences of 40 articles" in describe_verdict(verdict)
    assert judge(Gate(max_calibration_error=1), judged, champion, candidate).failed != []


def test_a_model_whose_run_cross_validated_nothing_or_other_sentences_is_not_paired(good, poor):
    candidate = cross_validated(good, 3)
    with pytest.raises(InputError, match=r"^version 3 was not judged by cross-validation$"):
        share_predictions("cross_validated", candidate, poor)
    other = cross_validated(poor, 3)
    other.cross_validated["sentence_id"] += "0"
    message = "no sentence with the same labels in common: version 2 has 180, version 3 has 180$"
    with pytest.raises(InputError, match=message):
        share_predictions("cross_validated", candidate, other)
