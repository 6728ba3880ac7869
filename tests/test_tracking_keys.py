"""Any name of a topic becomes a metric key that MLflow takes, and no two names become one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name

from slugline.tracking.keys import MAX_KEY_LENGTH, to_mlflow_key

NAMES = [
    *(
        "law & order",
        "C++",
        "crime (organised)",
        "people's protest",
        "🔥 fire",
        "a,b",
        "x" * 300,
        "..",
        ".",
        "a//b",
        "/",
        "a/",
    ),
    *("a: b", ":26:", "Ärzte und Pflege", "停火", "war/peace", "100 %", 'the "deal"', "a\tb", "\ud800"),
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_people_write_become_keys_of_mlflow(name: str) -> None:
    key = to_mlflow_key(f"test/f1/{name}")
    _validate_metric_name(key)
    assert len(key) <= MAX_KEY_LENGTH


def test_keys_that_mlflow_takes_stay_as_they_are() -> None:
    for key in (
        "test/f1_macro",
        "dev/precision/ceasefire",
        "time/total",
        "drift/share of unknown words",
        "test/f1/a.b",
    ):
        assert to_mlflow_key(key) == key


@settings(max_examples=500, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1))
def test_any_text_becomes_a_key_and_no_two_become_one(one: str, other: str) -> None:
    keys = [to_mlflow_key(f"test/f1/{name}") for name in (one, other)]
    _validate_metric_name(keys[0])
    assert (keys[0] == keys[1]) == (one == other)
