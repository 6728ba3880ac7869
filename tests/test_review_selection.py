"""What is asked for next is unsure, disputed, rare and varied; models that decide alike are recognised; wrong labels are found."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_array
from sklearn.metrics import cohen_kappa_score

from slugline.errors import InputError
from slugline.review.label_errors import find_label_errors
from slugline.review.queue import QueueOptions
from slugline.review.selection import disagreement, rarity, rivals, select_batch, take_turns, uncertainty
from slugline.review.stability import is_stable, measure_stability

SHARES = st.floats(0, 1)
TABLES = st.tuples(st.integers(1, 12), st.integers(2, 4)).flatmap(
    lambda shape: hnp.arrays(float, shape, elements=SHARES)
)


def normal(rows):
    """Return rows as sparse features of length 1."""
    dense = np.array(rows, dtype=float)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return csr_array(dense / np.where(lengths > 0, lengths, 1))


# ---- scores


def test_uncertainty_is_one_at_the_threshold_and_falls_with_the_distance_in_log_odds():
    p = np.array([[0.1], [0.25], [0.9], [1 / 28]])  # odds of 1/9 and 1/3, three times as much, and a third of it
    assert uncertainty(p, np.array([0.1])).ravel() == pytest.approx([1, 0.5, 2 / 82, 0.5])
    assert uncertainty(np.array([[0.75]]), np.array([0.5])).item() == pytest.approx(0.5)


@given(TABLES, SHARES)
def test_uncertainty_is_from_0_to_1_for_any_probability_and_threshold(probabilities, threshold):
    found = uncertainty(probabilities, np.full(probabilities.shape[1], threshold))
    assert found.shape == probabilities.shape
    assert ((found >= 0) & (found <= 1)).all()


def test_sentences_near_zero_are_not_unsure_where_the_threshold_is_low_though_the_difference_is_small():
    probabilities = np.array([[0.001], [0.3]])  # 0.099 and 0.2 from the threshold
    near_zero, beyond = uncertainty(probabilities, np.array([0.1])).ravel()
    assert beyond > 10 * near_zero


def test_of_a_model_that_gives_one_topic_a_sentence_is_unsure_when_two_topics_are_as_likely():
    probabilities = np.array([[0.48, 0.47, 0.05], [0.7, 0.2, 0.1], [0.34, 0.33, 0.33]])
    limits = rivals(probabilities, np.full(3, 0.5))
    found = uncertainty(probabilities, limits)
    assert found[0, 0] == pytest.approx(found[0, 1])
    assert found[0, 0] > 0.95 > 0.3 > found[1].max()
    assert found[0, 2] < 0.15
    assert limits[0].tolist() == [0.47, 0.48, 0.48]


@given(TABLES)
def test_what_beats_its_rivals_is_the_likeliest_topic(probabilities):
    for row, beaten in zip(probabilities, rivals(probabilities, np.ones(probabilities.shape[1])), strict=True):
        assert row[row.argmax()] >= beaten[row.argmax()]
        assert all(row[k] < beaten[k] for k in range(len(row)) if row[k] < row.max())


def test_with_thresholds_what_beats_its_rivals_is_the_topic_furthest_above_its_own():
    thresholds = np.array([0.6, 0.3, 0.1])
    probabilities = np.array([[0.5, 0.45, 0.05], [0.9, 0.08, 0.02], [0.4, 0.2, 0.4]])
    limits = rivals(probabilities, thresholds)
    assert (probabilities >= limits).tolist() == [[False, True, False], [True, False, False], [False, False, True]]
    assert limits[0].tolist() == pytest.approx([0.9, 0.25, 0.15])
    assert limits[2].tolist() == pytest.approx([1.0, 1.0, 0.4 / 6])  # 2.4 and 1.2, but no probability is above 1
    assert uncertainty(probabilities, limits)[0].argmax() == 1


def test_rules_disagree_where_they_say_what_the_model_does_not_and_the_more_the_surer_it_is():
    probabilities = np.array([[0.9, 0.9], [0.001, 0.001], [0.2, 0.4], [0.5, 0.5]])
    votes = np.array([[1, -1], [1, -1], [1, 1], [0, 0]], dtype=np.int8)
    found = disagreement(probabilities, np.array([0.5, 0.5]), votes)
    assert found[0].tolist() == pytest.approx([0, 0.8])
    assert found[1].tolist() == pytest.approx([0.998, 0])
    assert found[2].tolist() == pytest.approx([0.6, 0.2])
    assert found[3].tolist() == [0, 0]


@given(TABLES, st.data())
def test_a_vote_that_the_decision_follows_is_no_disagreement_and_any_other_is_one(probabilities, data):
    votes = data.draw(hnp.arrays(np.int8, probabilities.shape, elements=st.sampled_from([-1, 0, 1])))
    found = disagreement(probabilities, np.full(probabilities.shape[1], 0.4), votes)
    against = ((votes > 0) & (probabilities < 0.4 - 1e-9)) | ((votes < 0) & (probabilities > 0.4 + 1e-9))
    follows = (votes == 0) | ((votes > 0) == (probabilities >= 0.4))
    assert (found[against] > 0).all()
    assert (found[follows] <= 1e-8).all()


def test_rarity_is_nothing_for_what_all_sentences_have_and_one_for_what_one_has():
    expected = np.column_stack([np.ones(100), np.full(100, 0.1), np.full(100, 0.01), np.zeros(100)])
    assert rarity(expected) == pytest.approx([0, 0.5, 1, 1])
    assert rarity(np.array([[0.3, 0.9]])).tolist() == [0, 0]


# ---- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size: 0; allowed: a number of sentences, from 1"),
        ({"diversity": 2.0}, "diversity: 2.0; allowed: 0 to 1"),
        ({"rarity": -1.0}, "rarity: -1.0; allowed: a weight, from 0"),
        ({"uncertainty": float("nan")}, "uncertainty: nan; allowed: a weight, from 0"),
        ({"disagreement": float("inf")}, "disagreement: inf; allowed: a weight, from 0"),
        (
            {"uncertainty": 0.0, "disagreement": 0.0},
            "uncertainty and disagreement are both 0; give one of them a weight",
        ),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError) as error:
        QueueOptions(**options)
    assert str(error.value) == message


# ---- turns


def test_each_topic_gets_as_many_sentences_as_its_weight_says_whatever_the_scale_of_its_scores():
    rng = np.random.default_rng(0)
    scores = rng.random((10_000, 3)) * [1, 1e-3, 1e-6]
    found = take_turns([scores], [1.0], np.array([2.0, 1.0, 1.0]))
    first = np.argsort(-found.score)[:400]
    counts = np.bincount(found.topic[first], minlength=3)
    assert np.abs(counts - [200, 100, 100]).max() <= 3  # a few sentences are high in two rankings


def test_a_part_gets_its_share_also_of_a_small_batch():
    rng = np.random.default_rng(1)
    parts = [rng.random((5_000, 15)), rng.random((5_000, 15))]
    found = take_turns(parts, [1.0, 0.25], np.ones(15))
    first = np.argsort(-found.score, kind="stable")[:75]
    assert 12 <= (found.strategy[first] == 1).sum() <= 18  # 15 of 75


def test_what_scores_nothing_asks_for_nothing():
    scores = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.2]])
    found = take_turns([scores, np.zeros((3, 2))], [1.0, 9.0], np.ones(2))
    assert found.score.tolist() == [0, 1, 1]
    assert found.strategy.tolist()[1:] == [0, 0]
    assert found.topic.tolist()[1:] == [0, 1]


# ---- batches


def greedily(scores, X, size, limit, seen):
    """Choose a batch one by one, the slow way."""
    order, dense = np.argsort(-scores, kind="stable"), X.toarray()
    chosen, put_off = [], []
    for row in order:
        others = [dense[other] for other in chosen] + list(seen.toarray())
        (put_off if any(dense[row] @ other > limit for other in others) else chosen).append(row)
    return [*chosen, *put_off][:size]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.6, 0.9]), st.integers(1, 60))
def test_a_batch_is_what_choosing_one_by_one_gives(seed, limit, size):
    rng = np.random.default_rng(seed)
    X = normal(rng.integers(0, 2, (40, 6)))
    scores, seen = rng.integers(0, 8, 40) / 8, normal(rng.integers(0, 2, (2, 6)))
    assert select_batch(scores, X, size, limit, seen).rows.tolist() == greedily(scores, X, size, limit, seen)


def test_a_batch_is_what_choosing_one_by_one_gives_also_of_more_than_are_compared_at_once():
    rng = np.random.default_rng(3)
    X = normal(rng.random((1_500, 12)) < 0.3)
    scores, seen = rng.random(1_500), X[:50]
    found = select_batch(scores, X, 150, 0.85, seen)
    assert found.rows.tolist() == greedily(scores, X, 150, 0.85, seen)
    last = np.flatnonzero(np.argsort(-scores) == found.rows[-1])[0]
    assert found.put_off == last + 1 - 150 > 0


def test_near_duplicates_are_put_off_and_taken_where_nothing_else_is_left():
    X = normal([[1, 0, 0], [1, 0.1, 0], [0, 1, 0], [0, 0, 1]])
    scores, seen = np.array([4.0, 3.0, 2.0, 1.0]), normal([[0, 0, 1]])
    assert select_batch(scores, X, 2, 0.9).rows.tolist() == [0, 2]
    assert select_batch(scores, X, 2, 0.9).put_off == 1
    assert select_batch(scores, X, 3, 0.9, seen).rows.tolist() == [0, 2, 1]
    assert select_batch(scores, X, 9, 0.9, seen).rows.tolist() == [0, 2, 1, 3]
    assert select_batch(scores, X, 2).rows.tolist() == [0, 1]


@pytest.mark.slow
def test_a_thousand_of_200_000_candidates_are_chosen_in_seconds():
    rng = np.random.default_rng(0)
    terms = csr_array((np.ones(2_000_000), rng.integers(0, 100_000, 2_000_000), np.arange(0, 2_000_001, 100)))
    terms.sum_duplicates()
    terms.data /= np.repeat(np.sqrt(np.add.reduceat(terms.data**2, terms.indptr[:-1])), np.diff(terms.indptr))
    X = terms[rng.integers(0, 20_000, 200_000)]  # each about ten times
    start = time.perf_counter()
    found = select_batch(rng.random(200_000), X, 1_000, 0.8)
    assert time.perf_counter() - start < 20  # half a second; the bound is for machines that do much beside
    near = (X[found.rows] @ X[found.rows].T).toarray() > 0.8
    assert near.sum() == 1_000  # each is near itself alone
    assert found.put_off > 0


# ---- stopping


def test_agreement_of_two_models_is_the_kappa_of_scikit_learn():
    rng = np.random.default_rng(0)
    before, after = rng.random((500, 4)) < [0.5, 0.1, 0.02, 0.9], rng.random((500, 4)) < [0.5, 0.1, 0.02, 0.9]
    after[:300] = before[:300]
    found = measure_stability(before, after)
    assert found.kappa == pytest.approx([cohen_kappa_score(a, b) for a, b in zip(before.T, after.T, strict=True)])
    assert found.mean == pytest.approx(found.kappa.mean())
    assert found.changed == pytest.approx((before != after).mean())


def test_a_topic_that_neither_model_gives_says_nothing_about_agreement():
    before = np.array([[1, 0], [0, 0], [1, 0]], dtype=bool)
    found = measure_stability(before, before)
    assert found.kappa[0] == 1
    assert np.isnan(found.kappa[1])
    assert (found.mean, found.changed) == (1, 0)
    assert np.isnan(measure_stability(before[:, 1:], before[:, 1:]).mean)


def test_labelling_can_stop_once_three_kappas_in_a_row_are_099():
    assert is_stable([0.5, 0.99, 0.995, 1.0])
    assert not is_stable([1.0, 1.0])
    assert not is_stable([1.0, 1.0, 0.98, 1.0, 1.0])
    assert not is_stable([1.0, 1.0, float("nan")])


# ---- errors in labels


def test_labels_that_were_turned_round_are_found_and_the_surest_comes_first():
    rng = np.random.default_rng(0)
    truth = rng.random((600, 3)) < [0.4, 0.2, 0.1]
    probabilities = np.clip(np.where(truth, 0.9, 0.08) + rng.normal(0, 0.05, truth.shape), 0.01, 0.99)
    wrong = np.zeros(truth.shape, dtype=bool)
    wrong[rng.permutation(600)[:30], rng.integers(0, 3, 30)] = True
    found = find_label_errors(truth ^ wrong, probabilities)
    hit = wrong[found.rows, found.columns]
    assert hit.all()  # 30 of 1,800 labels are wrong
    assert hit.sum() >= 12  # those of which the model is surer than of most
    assert (np.diff(found.quality) >= 0).all()
    given = (truth ^ wrong)[found.rows, found.columns]
    p = probabilities[found.rows, found.columns]
    assert found.quality == pytest.approx(np.where(given, p, 1 - p))


def test_labels_that_the_model_agrees_with_are_left_alone():
    Y = np.tile([[True, False], [False, True]], (50, 1))
    assert len(find_label_errors(Y, np.where(Y, 0.8, 0.1)).rows) == 0
