import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny_encoders import tiny_weights, tiny_words

from slugline.encoder import TextEncoder
from slugline.errors import InputError
from slugline.finetune import FineTuning
from slugline.finetune.cross_fitting import choose_sentences, cross_fit
from slugline.finetune.network import Network, import_torch
from slugline.finetune.training import Labelled, Training, batches_by_length, read_log_odds, share_log_odds
from slugline.scoring import average_precision

torch = pytest.importorskip("torch", reason="fine-tuning needs the extra finetune")

OPTIONS = FineTuning(folds=2, frozen_layers=0, epochs=20, learning_rate=3e-3, dropout=0.0, batch_size=8)
SHORT = replace(OPTIONS, epochs=2, dropout=0.2, batch_size=16)
TOPICS = [("ceasefire", "talks"), ("sanctions", "imposed")]
FILLERS = ["the", "a", "on", "rain", "fell", "began", "in", "city", "minister", "accused", "rebels", "army"]
GROUPS = np.arange(160) // 4  # sentences an article


def toy(seed=0, n=160):
    """Return sentences of which some hold a topic's word, and their labels."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, 2)) < 0.35
    texts = []
    for row in Y:
        words = list(rng.choice(FILLERS, rng.integers(3, 9)))
        for topic in np.flatnonzero(row):
            words.insert(rng.integers(len(words)), rng.choice(TOPICS[topic]))
        texts.append(" ".join(words))
    return texts, Y


def labelled(seed=0, n=160):
    texts, Y = toy(seed, n)
    return Labelled(tiny_words().tokenize(texts, 32), Y)


def rank(Y, scores):
    return np.mean([average_precision(y, column) for y, column in zip(Y.T, scores.T, strict=True)])


def train_network(options, checkpoint=None, mode="multilabel"):
    network = Network(tiny_weights(), 2, options)
    Training(network, options, mode, checkpoint).run(labelled(n=80))
    return network.trained_arrays()


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.slow
def test_encoders_learn_what_words_say_and_so_does_their_mean_which_runs_without_torch():
    fitted = cross_fit(tiny_weights(), labelled(), GROUPS, OPTIONS)
    assert rank(labelled().Y, fitted.out_of_fold) > 0.8
    texts, Y = toy(seed=9)
    vectors = TextEncoder(fitted.weights, tiny_words()).encode(texts)
    # From a random beginning the folds end far from each other, unlike those of an encoder that knows its language
    assert rank(Y, vectors @ fitted.projection.T + fitted.offset) > 0.6


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_network_gives_the_log_odds_that_the_vectors_of_its_encoder_give(architecture, pooling):
    weights = tiny_weights(architecture, pooling=pooling)
    network = Network(weights, 2, OPTIONS)
    rng = np.random.default_rng(0)
    network.set_arrays({"topics.weight": rng.normal(size=(2, 32)), "topics.bias": rng.normal(size=2)})
    texts, _ = toy()
    projection, offset = network.projection()
    expected = TextEncoder(network.encoder(), tiny_words(), 32).encode(texts) @ projection.T + offset
    np.testing.assert_allclose(read_log_odds(network, tiny_words().tokenize(texts, 32)), expected, atol=1e-3)


def test_random_labels_give_out_of_fold_scores_as_good_as_chance():
    Y = np.random.default_rng(1).random((160, 2)) < 0.35
    fitted = cross_fit(tiny_weights(), labelled()._replace(Y=Y), GROUPS, replace(OPTIONS, epochs=5))
    assert abs(rank(Y, fitted.out_of_fold) - Y.mean()) < 0.1


def test_the_same_seed_gives_the_same_result_and_another_does_not():
    first, again, other = (train_network(replace(SHORT, seed=seed)) for seed in (0, 0, 1))
    assert equal(first, again)
    assert not equal(first, other)


def test_a_training_that_was_killed_goes_on_from_its_checkpoint_to_the_same_result(tmp_path, monkeypatch):
    checkpoint, save, kept = tmp_path / "fold.pt", Training._save, []

    def save_and_die(training):
        save(training)
        kept.append(training)
        if len(kept) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train_network(SHORT, checkpoint)
    assert equal(train_network(SHORT, checkpoint), train_network(SHORT))
    with monkeypatch.context() as patch:  # one that was over is not trained again
        patch.setattr(Training, "_step", None)
        assert equal(train_network(SHORT, checkpoint), train_network(SHORT, checkpoint))


def test_cross_fitting_that_was_killed_goes_on_to_the_same_result(tmp_path):
    whole = cross_fit(tiny_weights(), labelled(), GROUPS, SHORT, checkpoints=tmp_path)
    (tmp_path / "fold_1.pt").unlink()  # as if it had been killed after the first fold
    again = cross_fit(tiny_weights(), labelled(), GROUPS, SHORT, checkpoints=tmp_path)
    assert np.array_equal(whole.out_of_fold, again.out_of_fold)
    assert equal(whole.weights.arrays, again.weights.arrays)


def test_a_budget_ends_the_training():
    options = replace(SHORT, epochs=10**6, budget_minutes=0.02)  # a second, half of it for each fold
    network = Network(tiny_weights(), 2, options)
    Training(network, options, "multilabel").run(labelled())
    assert np.isfinite(read_log_odds(network, labelled().tokens)).all()


def test_training_ends_when_dev_gets_no_better_and_keeps_the_best_epoch(monkeypatch):
    scores, steps = iter([0.2, 0.4, 0.3, 0.3, 0.9]), []
    monkeypatch.setattr("slugline.finetune.training._macro_average_precision", lambda *_: next(scores))
    options = replace(SHORT, epochs=5, patience=2)
    network = Network(tiny_weights(), 2, options)
    training = Training(network, options, "multilabel")
    judge = Training._judge
    monkeypatch.setattr(Training, "_judge", lambda *a: (judge(*a), steps.append(network.trained_arrays())))
    training.run(labelled(), labelled(seed=5))
    assert len(steps) == 4
    assert equal(network.trained_arrays(), steps[1])


def test_where_each_sentence_has_one_topic_what_is_more_likely_for_one_is_less_for_the_other():
    Y = labelled().Y[:, :1]
    network = Network(tiny_weights(), 2, SHORT)
    Training(network, SHORT, "multiclass").run(labelled()._replace(Y=np.hstack([Y, ~Y])))
    first, second = network.trained_arrays()["topics.weight"]
    assert np.abs(first).max() > 0.01
    np.testing.assert_allclose(first, -second, atol=1e-4)


def test_embeddings_and_frozen_layers_stay_as_they_are():
    weights, options = tiny_weights(), replace(SHORT, frozen_layers=1, epochs=1)
    network = Network(weights, 2, options)
    Training(network, options, "multilabel").run(labelled())
    arrays = network.encoder().arrays
    changed = {name for name in arrays if not np.array_equal(arrays[name], weights.arrays[name])}
    assert changed == {name for name in arrays if name.startswith("layer.1.")}


def test_labels_without_weight_are_not_learned_from():
    train = labelled()
    silent = train._replace(Y=np.hstack([train.Y[:, :1], ~train.Y[:, 1:]]), weights=np.array([[1.0, 0.0]] * 160))
    quiet = train._replace(weights=np.array([[1.0, 0.0]] * 160))
    results = []
    for examples in (silent, quiet):
        network = Network(tiny_weights(), 2, SHORT)
        Training(network, SHORT, "multilabel").run(examples)
        results.append(network.trained_arrays())
    assert equal(*results)


def test_all_sentences_with_a_topic_are_learned_from_and_some_without():
    Y = np.zeros((100, 2), bool)
    Y[:10, 0] = True
    rows = choose_sentences(Y, np.arange(100), replace(OPTIONS, others=2.5))
    assert set(range(10)) <= set(rows)
    assert len(rows) == len(set(rows)) == 35
    assert len(choose_sentences(Y, np.arange(20), replace(OPTIONS, others=2.5))) == 20  # there are no more
    assert len(choose_sentences(Y, np.arange(100), replace(OPTIONS, others=0))) == 10


def test_batches_hold_each_sentence_once_and_those_of_like_length_together():
    tokens = [[0] * length for length in np.random.default_rng(0).integers(3, 60, 500)]
    batches = list(batches_by_length(tokens, 32, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(500))
    spread = [np.ptp([len(tokens[row]) for row in rows]) for rows in batches]
    assert max(spread) < 10


def test_few_sentences_are_gone_through_more_often():
    assert [FineTuning(batch_size=16).count_epochs(n) for n in (20, 160, 1_000, 20_000)] == [100, 20, 4, 4]
    assert FineTuning(batch_size=16, epochs=3).count_epochs(20) == 3


def test_training_begins_with_the_share_of_each_topic():
    Y = np.zeros((98, 2), bool)
    Y[:9, 0] = True
    train = Labelled([[]] * 98, Y)
    for mode, transform in (("multilabel", lambda x: 1 / (1 + np.exp(-x))), ("multiclass", np.exp)):
        np.testing.assert_allclose(transform(share_log_odds(train, mode)), [0.1, 0.01])
    ignored = train._replace(weights=np.array([[1.0, 0.0]] * 98))
    np.testing.assert_allclose(share_log_odds(ignored, "multilabel"), [np.log(1 / 9), 0])


def test_without_patience_dev_is_not_looked_at_and_the_last_epoch_is_kept(monkeypatch):
    monkeypatch.setattr("slugline.finetune.training._macro_average_precision", None)
    results = []
    for dev in (None, labelled(seed=5)):
        network = Network(tiny_weights(), 2, SHORT)
        Training(network, SHORT, "multilabel").run(labelled(n=32), dev)
        results.append(network.trained_arrays())
    assert equal(*results)


def test_without_torch_one_line_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r'CPU build will do: pip install "slugline\[finetune\]"'):
        import_torch()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"folds": 1}, "folds: found 1; allowed: a whole number from 2"),
        ({"patience": 0}, "patience: found 0; allowed: a whole number from 1"),
        ({"epochs": 2.5}, "epochs: found 2.5; allowed: a whole number from 1"),
        ({"learning_rate": 0}, "learning_rate: found 0; allowed: above 0, below 1"),
        ({"dropout": 1}, "dropout: found 1; allowed: 0, or more and below 1"),
        ({"budget_minutes": 0}, "budget_minutes: found 0; allowed: above 0, or null for no limit"),
    ],
)
def test_options_out_of_range_are_refused(options, problem):
    with pytest.raises(InputError, match=f"^{problem}$"):
        FineTuning(**options)
