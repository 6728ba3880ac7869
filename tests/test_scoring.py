"""Scores are scikit-learn's to the last bits; thresholds are the best there are."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.calibration import calibration_curve
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, average_precision_score, precision_recall_fscore_support

from slugline.errors import InputError
from slugline.scoring import (
    FixedThreshold,
    TunedThreshold,
    average_precision,
    expected_calibration_error,
    prefixed,
    score,
    tabulate,
)
from slugline.scoring.thresholds import best_threshold

# few values, so that ties are common; neighbours, so that rounding shows
VALUES = st.sampled_from([0.0, 5e-324, 0.25, 0.3, np.nextafter(0.3, 1), 0.5, 0.75, np.nextafter(1.0, 0), 1.0])


@st.composite
def judged(draw, max_topics=4):
    """Draw labels, decisions and probabilities, all of shape (sentences, topics)."""
    shape = (draw(st.integers(1, 25)), draw(st.integers(2, max_topics)))
    Y, predicted = (draw(hnp.arrays(bool, shape)) for _ in range(2))
    Y[:, 0] &= draw(st.booleans())  # now and then a topic without positives
    return Y, predicted, draw(hnp.arrays(float, shape, elements=VALUES))


one_topic = st.integers(1, 25).flatmap(lambda n: st.tuples(hnp.arrays(bool, n), hnp.arrays(float, n, elements=VALUES)))


@settings(deadline=None)
@given(judged())
def test_all_scores_are_those_of_scikit_learn_with_means_over_the_topics_that_are_there(data):
    Y, predicted, probabilities = data
    carried = Y.any(axis=0) if Y.any() else slice(None)
    topics = [f"topic {number}" for number in range(Y.shape[1])]
    found = score(Y, predicted, topics, probabilities=probabilities)
    wanted = {"accuracy": accuracy_score(Y, predicted)}
    for average, undefined in (("micro", 0), ("samples", 1)):
        values = precision_recall_fscore_support(Y, predicted, average=average, zero_division=undefined)
        wanted |= {
            f"{name}_{average}": value for name, value in zip(("precision", "recall", "f1"), values, strict=False)
        }
    table = precision_recall_fscore_support(Y, predicted, average=None, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), table, strict=True):
        wanted |= {f"{name}/{topic}": value for topic, value in zip(topics, values, strict=True)}
        if name != "support":
            wanted[f"{name}_macro"] = np.mean(values[carried])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        warnings.filterwarnings("ignore", "No positive class found", UserWarning)
        wanted |= {
            f"ap/{topic}": average_precision_score(*pair)
            for topic, *pair in zip(topics, Y.T, probabilities.T, strict=True)
        }
        wanted["ap_macro"] = np.mean(
            [average_precision_score(*pair) for pair in zip(Y.T[carried], probabilities.T[carried], strict=True)]
        )
    assert set(found) == set(wanted)
    assert found == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None)
@given(judged(), st.randoms(use_true_random=False))
def test_scores_do_not_depend_on_the_order_of_the_sentences(data, random):
    Y, predicted, probabilities = data
    order = list(range(len(Y)))
    random.shuffle(order)
    topics = list(map(str, range(Y.shape[1])))
    same = score(Y[order], predicted[order], topics, probabilities=probabilities[order])
    assert same == pytest.approx(score(Y, predicted, topics, probabilities=probabilities), abs=1e-12)


@given(one_topic)
def test_average_precision_looks_at_the_ranking_alone(data):
    y, p = data
    ranks = np.unique(p, return_inverse=True)[1]
    assert average_precision(y, p) == pytest.approx(average_precision(y, ranks * 7.0 - 3.0), abs=1e-12)


def test_a_sentence_without_topics_predicted_so_counts_as_right_in_samples_and_as_nothing_in_macro():
    none = np.zeros((3, 2), dtype=bool)
    found = score(none, none, ["a", "b"])
    assert (found["f1_samples"], found["f1_micro"], found["f1_macro"], found["accuracy"]) == (
        1.0,
        0.0,
        0.0,
        1.0,
    )
    assert not [key for key in found if "/ap" in key]


def test_a_perfect_ranking_has_an_average_precision_of_one_and_no_positive_has_none():
    assert average_precision(np.array([True, True, False]), np.array([0.9, 0.8, 0.1])) == 1.0
    assert average_precision(np.array([False, False]), np.array([0.9, 0.8])) == 0.0


# ---- thresholds


def outcomes(y, p):
    """Return (precision, recall, F1) at every place one can cut a ranking."""
    found = []
    for cut in np.unique(p):
        given_ = p >= cut
        hits = (y & given_).sum()
        found.append((hits / given_.sum(), hits / y.sum(), 2 * hits / (given_.sum() + y.sum())))
    return found


def outcome(y, p, threshold):
    """Return (precision, recall, F1) at a threshold, a precision of nothing given being 0."""
    given_ = p >= threshold
    hits = (y & given_).sum()
    return hits / max(1, given_.sum()), hits / y.sum(), 2 * hits / (given_.sum() + y.sum())


@given(one_topic.filter(lambda data: data[0].any()))
def test_the_best_threshold_reaches_the_best_f1_there_is(data):
    y, p = data
    assert outcome(y, p, best_threshold(y, p))[2] == max(f1 for _, _, f1 in outcomes(y, p))


@given(one_topic.filter(lambda data: data[0].any()), st.sampled_from([0.1, 0.5, 0.75, 0.9, 1.0]))
def test_a_wanted_precision_is_kept_with_the_best_recall_or_the_best_precision_is_taken(data, target):
    y, p = data
    precision, recall, _ = outcome(y, p, best_threshold(y, p, target_precision=target))
    good = [one for one in outcomes(y, p) if one[0] >= target]
    if good:
        assert precision >= target
        assert recall == max(one[1] for one in good)
    else:
        assert precision == max(one[0] for one in outcomes(y, p))


@given(one_topic.filter(lambda data: data[0].any()), st.sampled_from([0.1, 0.5, 0.75, 0.9, 1.0]))
def test_a_wanted_recall_is_kept_with_the_best_precision(data, target):
    y, p = data
    precision, recall, _ = outcome(y, p, best_threshold(y, p, target_recall=target))
    assert recall >= target
    assert precision == max(one[0] for one in outcomes(y, p) if one[1] >= target)


TOLERANCES = st.sampled_from([0.0, 0.5, 2.0])


@given(one_topic, st.randoms(use_true_random=False), TOLERANCES)
def test_a_threshold_does_not_depend_on_the_order_of_the_sentences(data, random, tolerance):
    y, p = data
    order = list(range(len(y)))
    random.shuffle(order)
    assert best_threshold(y[order], p[order], tolerance=tolerance) == best_threshold(y, p, tolerance=tolerance)


@given(one_topic, TOLERANCES)
def test_sentences_of_one_probability_count_together(data, tolerance):
    """Which of them carry the topic does not matter, only how many."""
    y, p = data
    order = np.lexsort((y, p))  # of each probability, those without the topic first
    assert best_threshold(y[order], np.sort(p), tolerance=tolerance) == best_threshold(y, p, tolerance=tolerance)


@given(one_topic.filter(lambda data: data[0].any()), TOLERANCES)
def test_a_threshold_with_a_tolerance_lies_among_those_that_are_nearly_as_good_as_the_best(data, tolerance):
    y, p = data
    cuts = np.unique(p)
    f1 = np.array([outcome(y, p, cut)[2] for cut in cuts])
    error = np.sqrt(f1.max() * (1 - f1.max()) * (2 - f1.max()) / (2 * y.sum()))
    near = np.flatnonzero(f1 >= f1.max() - tolerance * error - 1e-12)
    lowest = cuts[near[0] - 1] if near[0] else 0.0
    found = best_threshold(y, p, tolerance=tolerance)
    assert lowest - 1e-12 <= found <= cuts[near[-1]] + 1e-12


def test_a_tolerance_keeps_thresholds_where_they_are_when_the_fit_moves_a_little():
    random = np.random.default_rng(0)
    y = random.random(3000) < 0.1
    log_odds = random.normal(np.where(y, 0.0, -2.5), 1.0)
    moved = [1 / (1 + np.exp(-log_odds - random.normal(0, 0.01, len(y)))) for _ in range(20)]
    best, stable = (np.std([best_threshold(y, p, tolerance=tolerance) for p in moved]) for tolerance in (0, 0.5))
    assert stable < best / 2


def test_a_threshold_with_a_tolerance_is_the_mean_of_the_near_best_weighted_by_how_good_they_are():
    y = np.array([True, True, False, True, False, False])
    p = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.1])
    # F1: 0.5 at 0.85, 0.8 at 0.75, 2/3 at 0.65, 6/7 at 0.4, 3/4 at 0.15, 2/3 at 0.05
    f1 = np.array([0.8, 6 / 7, 3 / 4])
    allowed = np.sqrt(6 / 7 * 1 / 7 * 8 / 7 / 6)
    weights = np.maximum(f1 - (6 / 7 - allowed), 0)
    assert best_threshold(y, p, tolerance=1.0) == pytest.approx(np.average([0.75, 0.4, 0.15], weights=weights))
    assert best_threshold(y, p, tolerance=0.1) == best_threshold(y, p) == pytest.approx(0.4)


def test_a_threshold_lies_in_the_middle_between_what_it_parts():
    assert best_threshold(np.array([True, False]), np.array([0.8, 0.2])) == 0.5
    assert best_threshold(np.array([True, True]), np.array([0.8, 0.4])) == 0.2


@pytest.mark.parametrize("pair", [(np.nextafter(0.3, 1), 0.3), (1.0, np.nextafter(1.0, 0)), (5e-324, 0.0)])
def test_a_threshold_parts_even_numbers_that_have_none_between_them(pair):
    threshold = best_threshold(np.array([True, False]), np.array(pair))
    assert pair[0] >= threshold > pair[1]


def test_a_topic_without_positives_gets_one_half():
    assert best_threshold(np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3])) == 0.5


exclusive = st.integers(2, 5).flatmap(
    lambda topics: st.lists(
        st.tuples(st.integers(0, topics - 1), st.lists(st.floats(0.01, 1), min_size=topics, max_size=topics)),
        min_size=1,
        max_size=30,
    )
)


def to_arrays(sentences):
    """Return labels, one a sentence, and probabilities that sum to 1."""
    P = np.array([scores for _, scores in sentences])
    labels = np.array([topic for topic, _ in sentences])
    return labels[:, None] == np.arange(P.shape[1]), P / P.sum(axis=1, keepdims=True)


def macro_f1(Y, scores):
    """Return macro F1 where each sentence gets the topic with the highest score."""
    given = scores.argmax(axis=1)[:, None] == np.arange(Y.shape[1])
    return score(Y, given, [str(topic) for topic in range(Y.shape[1])])["f1_macro"]


@given(exclusive)
def test_where_a_sentence_has_one_topic_thresholds_sum_to_1_and_are_never_worse_than_the_likeliest_topic(sentences):
    Y, P = to_arrays(sentences)
    thresholds = TunedThreshold(tolerance=0)(Y, P, "multiclass")
    assert thresholds.sum() == pytest.approx(1)
    assert macro_f1(Y, P / thresholds) >= macro_f1(Y, P) - 1e-12
    assert (np.diff(thresholds[np.argsort(P.mean(axis=0))]) > -1e-9).all()  # the rarer, the lower


@given(exclusive, st.sampled_from([0.0, 0.5, 2.0]))
def test_thresholds_of_one_topic_a_sentence_do_not_depend_on_the_order_of_sentences(sentences, tolerance):
    one, other = (
        TunedThreshold(tolerance=tolerance)(*to_arrays(rows), "multiclass") for rows in (sentences, sentences[::-1])
    )
    assert one == pytest.approx(other)


def test_a_rare_topic_that_is_never_the_likeliest_is_given_where_a_sentence_is_unlike_the_others():
    rare = np.arange(100) >= 90
    P = np.column_stack([np.where(rare, 0.7, 0.95), np.where(rare, 0.3, 0.05)])
    Y = np.column_stack([~rare, rare])
    for tolerance in (0, 0.5):
        thresholds = TunedThreshold(tolerance=tolerance)(Y, P, "multiclass")
        assert macro_f1(Y, P / thresholds) == 1
    assert macro_f1(Y, P) < 0.5
    assert FixedThreshold()(Y, P, "multiclass").tolist() == [0.5, 0.5]  # a fixed threshold: the likeliest, as it was


def test_a_topic_that_no_sentence_has_gets_a_threshold_too():
    Y, P = np.array([[True, False], [True, False]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    thresholds = TunedThreshold()(Y, P, "multiclass")
    assert (thresholds > 0).all()
    assert (P / thresholds).argmax(axis=1).tolist() == [0, 0]


@pytest.mark.parametrize("target", ["target_precision", "target_recall"])
def test_a_target_is_refused_where_a_sentence_has_one_topic(target):
    reason = f"threshold.{target}=0.9, but each sentence has one topic .labels.mode=multiclass.; allowed: null, or labe"
    with pytest.raises(InputError, match=f"^{reason}"):
        TunedThreshold(**{target: 0.9})(np.eye(2, dtype=bool), np.eye(2), "multiclass")


def test_thresholds_are_one_per_topic():
    Y, P = np.array([[1, 0], [0, 1]], dtype=bool), np.array([[0.8, 0.1], [0.2, 0.3]])
    assert TunedThreshold()(Y, P).tolist() == pytest.approx([0.5, 0.2])
    assert TunedThreshold(tolerance=0)(Y, P).tolist() == pytest.approx([0.5, 0.2])
    assert FixedThreshold(value=0.3)(Y, P).tolist() == [0.3, 0.3]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: TunedThreshold(target_precision=0.9, target_recall=0.9), "both set; allowed: one of them or neither"),
        (lambda: FixedThreshold(value=7), "threshold.value=7; allowed: from 0 to 1"),
        (lambda: FixedThreshold(value=-0.1), r"threshold.value=-0\.1; allowed: from 0 to 1"),
        (lambda: FixedThreshold(value=float("nan")), "threshold.value=nan; allowed: from 0 to 1"),
        (lambda: TunedThreshold(target_precision=1.5), r"target_precision=1\.5; allowed: above 0, to 1"),
        (lambda: TunedThreshold(target_recall=0.0), r"target_recall=0\.0; allowed: above 0, to 1"),
        (lambda: TunedThreshold(tolerance=-0.5), r"tolerance=-0\.5; allowed: 0 or more"),
        (lambda: TunedThreshold(tolerance=float("nan")), "tolerance=nan; allowed: 0 or more"),
        (lambda: TunedThreshold(part="test"), "part=test; allowed: train"),
        (lambda: FixedThreshold(part="all"), "part=all; allowed: train"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_the_table_has_topics_then_averages_and_blanks_where_there_is_no_score():
    Y = np.array([[1, 0], [0, 1]], dtype=bool)
    table = tabulate(prefixed("test", score(Y, Y, ["a", "b"])), "test", ["a", "b"])
    assert table.index.tolist() == ["a", "b", "macro", "micro", "samples"]
    assert table.columns.tolist() == ["precision", "recall", "f1", "ap", "support"]
    assert table.loc["a", ["precision", "support"]].tolist() == [1.0, 1.0]
    assert table["ap"].isna().all()
    assert np.isnan(table.loc["macro", "support"])


def test_the_calibration_error_is_that_of_bins_of_equal_size():
    random = np.random.default_rng(0)
    p = random.random(1000)
    y = random.random(1000) < p**2
    shares, means = calibration_curve(y, p, n_bins=10, strategy="quantile")
    assert expected_calibration_error(y, p) == pytest.approx(np.abs(shares - means).mean(), abs=1e-3)
    assert expected_calibration_error(y, y.astype(float)) == 0
    assert expected_calibration_error(y[:3], p[:3]) == pytest.approx(np.abs(y[:3] - p[:3]).mean())
