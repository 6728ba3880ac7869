"""The stages of a training are timed, also those that go on at once, in threads."""

import time
from threading import Thread

import pytest

from slugline.cache import Stages
from slugline.report import describe_seconds


def wait_in(stages, stage, seconds):
    with stages.timed(stage):
        time.sleep(seconds)


def test_the_stages_add_up_to_the_total_without_what_went_on_at_once():
    stages = Stages()
    wait_in(stages, "articles", 0.01)
    thread = Thread(target=wait_in, args=(stages, "fit", 0.2))
    thread.start()
    wait_in(stages, "log", 0.05)
    thread.join()
    wait_in(stages, "articles", 0.01)
    seconds = stages.all_seconds()
    total, overlap = seconds.pop("time/total"), seconds.pop("time/overlap")
    assert seconds["time/articles"] >= 0.02
    assert 0.04 <= overlap <= seconds["time/log"] + 0.001
    assert max(seconds.values()) <= sum(seconds.values()) - overlap <= total


def test_the_total_ends_with_the_last_stage_whenever_it_is_asked_for():
    stages = Stages()
    wait_in(stages, "fit", 0.01)
    before = stages.all_seconds()
    time.sleep(0.01)
    assert stages.all_seconds() == before


def test_a_stage_that_fails_is_over():
    stages = Stages()
    with pytest.raises(OSError, match="full"), stages.timed("log"):
        raise OSError("full")
    wait_in(stages, "fit", 0.01)
    assert stages.all_seconds()["time/overlap"] == 0


def test_seconds_are_a_table_in_the_order_of_the_work():
    metrics = {"time/log": 2.0, "time/fit": 1.5, "time/overlap": 1.0, "time/total": 3.0, "test/f1_macro": 0.5}
    assert describe_seconds(metrics).splitlines() == [
        "seconds fit and cross-validate                          1.50",
        "seconds log to MLflow                                   2.00",
        "seconds in no stage                                     0.50",
        "seconds counted twice, as two stages went on at once   -1.00",
        "seconds total                                           3.00",
    ]
