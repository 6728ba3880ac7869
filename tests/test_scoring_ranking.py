"""How much must be read: by counting it out, sentence by sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from slugline.scoring import reading_budget, work_saved
from slugline.scoring.ranking import reading_curve

ranked = st.integers(1, 30).flatmap(
    lambda n: st.tuples(hnp.arrays(bool, n), hnp.arrays(float, n, elements=st.sampled_from([0.1, 0.2, 0.5, 0.7, 1.0])))
)


def read_on(y, p, recall):
    """Return the shares read and found when one reads by probability until enough is found, equals together."""
    for value in sorted(set(p), reverse=True):
        read = p >= value
        if y[read].sum() >= recall * y.sum() - 1e-9:
            return read.mean(), y[read].sum() / y.sum()
    raise AssertionError("all is read in the end")


@given(ranked.filter(lambda data: data[0].any()), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_the_budget_and_the_work_saved_are_those_of_reading_on_until_enough_is_found(data, recall):
    y, p = data
    share, found = read_on(y, p, recall)
    assert reading_budget(y, p, recall) == pytest.approx(share)
    negatives = (1 - share) * len(y)  # true and false negatives, as Cohen et al. count them
    assert work_saved(y, p, recall) == pytest.approx(negatives / len(y) - (1 - found))


@given(ranked)
def test_the_curve_rises_from_nothing_to_all(data):
    curve = reading_curve(*data)
    assert (curve.diff().iloc[1:] >= 0).all().all()
    assert curve["read"].iloc[[0, -1]].tolist() == [0, 1]
    assert curve["recall"].iloc[-1] == 1


def test_a_perfect_ranking_is_read_as_far_as_its_positives_and_a_flat_one_to_the_end():
    y = np.arange(100) < 20
    assert reading_budget(y, -np.arange(100.0)) == 0.19
    assert work_saved(y, -np.arange(100.0)) == pytest.approx(0.81 - 0.05)
    assert reading_budget(y, np.zeros(100)) == 1
    assert work_saved(y, np.zeros(100)) == 0


def test_a_ranking_by_chance_saves_nothing():
    random = np.random.default_rng(0)
    saved = [work_saved(random.random(2000) < 0.1, random.random(2000)) for _ in range(50)]
    assert np.mean(saved) == pytest.approx(0, abs=0.01)


def test_without_a_positive_nothing_is_said_of_what_to_read():
    assert np.isnan(reading_budget(np.zeros(3, bool), np.ones(3)))
    assert np.isnan(work_saved(np.zeros(3, bool), np.ones(3)))
