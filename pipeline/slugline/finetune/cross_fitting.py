"""Cross-fitting: an encoder per fold, log-odds for each sentence from one that did not learn from it, and their mean.

The encoder of the model is the mean of the folds' encoders, array by array (Wortsman et al. 2022, "Model soups"): as
they begin at the same place, it decides much as all of them together, at the cost of one and without more training.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.encoder import EncoderWeights
from slugline.finetune.network import Network, import_torch
from slugline.finetune.settings import FineTuning
from slugline.finetune.training import Labelled, Training, read_log_odds
from slugline.splits import stratify


class CrossFit(NamedTuple):
    """What cross-fitting gives.

    `weights` are those of the mean encoder; `projection` (topics, hidden) and `offset` (topics,), both float32, make
    log-odds of its vectors. `out_of_fold` are the log-odds of the sentences that were learned from, each by the encoder
    that did not see its fold, shape (sentences, topics); `further` those of other sentences, by the encoder of each
    fold, shape (folds, other sentences, topics).
    """

    weights: EncoderWeights
    projection: np.ndarray
    offset: np.ndarray
    out_of_fold: np.ndarray
    further: np.ndarray


def cross_fit(
    weights: EncoderWeights,
    train: Labelled,
    groups: np.ndarray,
    options: FineTuning,
    *,
    mode: str = "multilabel",
    dev: Labelled | None = None,
    further: Sequence[Sequence[int]] = (),
    checkpoints: Path | None = None,
) -> CrossFit:
    """Fine-tune an encoder per fold, of whole groups.

    Parameters
    ----------
    weights : EncoderWeights
        Where each begins.
    train : Labelled
        What is learned from.
    groups : ndarray of shape (sentences,)
        A key per sentence, at least two different ones; folds never split a group.
    options : FineTuning
        How.
    mode : {"multilabel", "multiclass"}
        Whether a sentence has several topics or none, or exactly one.
    dev : Labelled, optional
        By which training stops early; chosen as what is learned from.
    further : sequence of sequence of int
        Other tokenized sentences, which each encoder only reads.
    checkpoints : Path, optional
        A folder where training is kept after each epoch; what a killed one left there is taken up again. It must be
        another for other arguments.
    """
    torch = import_torch()
    folds = min(options.folds, len(np.unique(groups)))
    fold_of_row = stratify(train.Y, groups, [1 / folds] * folds, options.seed)
    dev = dev if dev is not None and dev.Y.any() else None
    if dev is not None:  # reading all of a large one after each epoch would cost as much as training
        dev = dev.take(choose_sentences(dev.Y, np.arange(len(dev.Y)), options))
    log_odds, read = np.empty(train.Y.shape), np.empty((folds, len(further), train.Y.shape[1]))
    mean: dict[str, Any] = defaultdict(float)
    with torch.random.fork_rng(devices=[]):
        for fold in range(folds):
            is_held_out = fold_of_row == fold
            network = Network(weights, train.Y.shape[1], options)
            rows = choose_sentences(train.Y, np.flatnonzero(~is_held_out), options)
            checkpoint = None if checkpoints is None else checkpoints / f"fold_{fold}.pt"
            training = Training(network, options, mode, checkpoint, f"encoder {fold + 1} of {folds}")
            training.run(train.take(rows), dev)
            held_out = train.take(np.flatnonzero(is_held_out))
            log_odds[is_held_out] = read_log_odds(network, held_out.tokens)
            read[fold] = read_log_odds(network, further)
            for name, array in network.trained_arrays().items():
                mean[name] += array / np.float32(folds)
    network.set_arrays(mean)
    return CrossFit(network.encoder(), *network.projection(), log_odds, read)


def choose_sentences(Y: np.ndarray, rows: np.ndarray, options: FineTuning) -> np.ndarray:
    """Return those of some rows to learn from: all with a topic, and by chance some without."""
    has_topic = Y[rows].any(axis=1)
    without = rows[~has_topic]
    size = min(len(without), round(options.others * has_topic.sum()))
    drawn = np.random.default_rng(options.seed).choice(without, size, replace=False)
    return np.sort(np.concatenate([rows[has_topic], drawn]))
