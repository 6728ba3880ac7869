"""Calibration is scikit-learn's; what chance adds to its error can be taken off."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from slugline.scoring import expected_calibration_error, reliability_curve, score_calibration
from slugline.scoring.calibration import brier_score, folded_normal_mean

pairs = st.integers(2, 40).flatmap(
    lambda n: st.tuples(hnp.arrays(bool, n), hnp.arrays(float, n, elements=st.floats(0, 1)))
)


@given(pairs)
def test_the_brier_score_is_that_of_scikit_learn(data):
    y, p = data
    assert brier_score(y, p) == pytest.approx(brier_score_loss(y, p, labels=[False, True]), abs=1e-12)


def test_the_reliability_curve_is_that_of_scikit_learn_where_bins_can_be_equal():
    random = np.random.default_rng(0)
    p = random.random(1000)
    y = random.random(1000) < p**2
    curve = reliability_curve(y, p, bins=8)
    share, probability = calibration_curve(y, p, n_bins=8, strategy="quantile")
    assert curve["share"].tolist() == pytest.approx(share.tolist())
    assert curve["probability"].tolist() == pytest.approx(probability.tolist())
    assert curve["sentences"].tolist() == [125] * 8


@settings(deadline=None)
@given(pairs, st.integers(1, 12))
def test_bins_hold_all_sentences_in_order_and_taking_off_chance_never_adds(data, bins):
    y, p = data
    curve = reliability_curve(y, p, bins)
    assert curve["sentences"].sum() == len(y)
    if len(np.unique(p)) == len(p):
        assert curve["sentences"].max() - curve["sentences"].min() <= 1
    turned = np.random.default_rng(0).permutation(len(p))
    assert reliability_curve(y[turned], p[turned], bins).to_numpy() == pytest.approx(curve.to_numpy())  # ties or not
    assert (np.diff(curve["probability"]) >= -1e-12).all()
    plain, debiased = (expected_calibration_error(y, p, bins, debiased=way) for way in (False, True))
    assert 0 <= debiased <= plain + 1e-12 <= 1 + 1e-12


def test_what_chance_adds_to_perfect_probabilities_is_taken_off_and_true_errors_stay():
    random = np.random.default_rng(1)
    found = []
    for _ in range(60):
        p = random.beta(0.5, 5, 2000)
        y = random.random(2000) < p
        wrong = random.random(2000) < np.minimum(1, p + 0.05)
        found.append(
            [expected_calibration_error(labels, p, 15, debiased=way) for labels in (y, wrong) for way in (False, True)]
        )
    right, right_debiased, off, off_debiased = np.mean(found, axis=0)
    assert right_debiased < 0.6 * right
    assert off == pytest.approx(0.05, abs=0.006)
    assert abs(off_debiased - 0.05) < 0.006


def test_the_mean_of_a_folded_normal_is_that_of_its_draws():
    draws = np.abs(np.random.default_rng(2).normal([0.0, 0.5, 2.0], [1.0, 1.0, 0.5], (400_000, 3)))
    assert folded_normal_mean(np.array([0.0, 0.5, 2.0]), np.array([1.0, 1.0, 0.5])) == pytest.approx(
        draws.mean(axis=0), abs=0.005
    )
    assert folded_normal_mean(np.array([0.3]), np.array([0.0])).tolist() == [0.3]


def test_the_table_has_a_row_for_each_topic_and_the_constant_forecast_beside():
    Y = np.array([[1, 0], [0, 0], [1, 1], [0, 0]], dtype=bool)
    P = np.array([[0.9, 0.2], [0.1, 0.2], [0.9, 0.2], [0.1, 0.2]])
    table = score_calibration(Y, P, ["a", "b"])
    assert table.index.tolist() == ["a", "b"]
    assert table.loc["a", "brier"] == pytest.approx(0.01)
    assert table["brier_constant"].tolist() == pytest.approx([0.25, 0.1875])
    assert table.columns.tolist() == ["brier", "brier_constant", "ece", "ece_debiased"]
