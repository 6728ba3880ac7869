"""The training of a network on labels: batches by length, a learning rate that rises and falls, checkpoints."""

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.files import write_atomically
from slugline.finetune.network import OUTPUT_BIAS, Network, import_torch
from slugline.finetune.settings import FineTuning
from slugline.scoring import average_precision

_WARM_UP = 0.1  # of the training, in which the learning rate rises
_TOPICS = 10.0  # how many times as quick the layer of the topics learns, which begins with nothing
_WINDOW = 50  # batches, within which sentences are sorted by length
_READ = 128  # sentences a batch that are only read


class Labelled(NamedTuple):
    """Tokenized sentences and their labels.

    `Y` are booleans (sentences, topics), `weights` (sentences, topics) say how much each label counts; None: all the
    same.
    """

    tokens: Sequence[Sequence[int]]
    Y: np.ndarray
    weights: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Labelled":
        """Return some of them, by their numbers."""
        return Labelled(
            [self.tokens[row] for row in rows], self.Y[rows], None if self.weights is None else self.weights[rows]
        )


class Training:
    """The training of one network, which goes on from a checkpoint where there is one.

    Parameters
    ----------
    network : Network
        What is trained, in place.
    options : FineTuning
        How.
    mode : {"multilabel", "multiclass"}
        Binary cross-entropy for each topic, or softmax over all.
    checkpoint : Path, optional
        Where its state is kept after each epoch.
    name : str, default "encoder"
        For the progress bar.
    """

    def __init__(
        self,
        network: Network,
        options: FineTuning,
        mode: str,
        checkpoint: Path | None = None,
        name: str = "encoder",
    ) -> None:
        self._torch, self._name = import_torch(), name
        self._network, self._options, self._mode, self._checkpoint = network, options, mode, checkpoint
        groups = [
            {"params": [array], "quickness": _TOPICS if name.startswith("topics.") else 1.0}
            for name, array in network.trained.items()
        ]
        self._optimizer = self._torch.optim.AdamW(groups, weight_decay=options.weight_decay, fused=True)
        minutes = options.budget_minutes
        self._budget = None if minutes is None else minutes * 60 / options.folds  # seconds
        self._seconds, self._epoch, self._epochs, self._is_over = 0.0, 0, 0, False
        self._best: dict[str, Any] = {}
        self._best_score, self._best_epoch = -1.0, 0
        if checkpoint is not None and checkpoint.exists():
            self._resume(checkpoint)

    def run(self, train: Labelled, dev: Labelled | None = None) -> None:
        """Train until epochs or budget end, or dev gets no better; then the network is that of the best epoch.

        Without dev or patience it is that of the last.
        """
        self._epochs = self._options.count_epochs(len(train.tokens))
        dev = None if self._options.patience is None else dev
        if self._epoch == 0 and not self._is_over:
            self._network.set_arrays({OUTPUT_BIAS: share_log_odds(train, self._mode)})
        while not self._is_over:
            self._run_epoch(train)
            self._judge(dev)
            self._save()
        self._network.set_arrays(self._best)

    def _run_epoch(self, train: Labelled) -> None:
        """Go through the sentences once, or as far as the budget goes."""
        options, started, before = self._options, time.monotonic(), self._seconds
        # From seed and epoch alone, so that a training that was taken up again goes on as it would have
        self._torch.manual_seed(options.seed * 1_000 + self._epoch)
        order = np.random.default_rng([options.seed, self._epoch])
        batches = list(batches_by_length(train.tokens, options.batch_size, order))
        for number, rows in enumerate(self._show(batches)):
            done = (self._epoch + number / len(batches)) / self._epochs
            if self._budget is not None:
                self._seconds = before + time.monotonic() - started
                done = max(done, self._seconds / self._budget)
                if done >= 1:
                    self._is_over = True
                    break
            self._step(train.take(rows), done)
        self._epoch += 1
        self._is_over |= self._epoch == self._epochs

    def _show(self, batches: list[np.ndarray]) -> Iterable[np.ndarray]:
        """Give batches, while a terminal shows how many are done and the time that is left of the epoch."""
        from tqdm import tqdm

        what = f"{self._name}, epoch {self._epoch + 1} of {self._epochs}"
        bar: Iterable[np.ndarray] = tqdm(
            batches, what, unit=" batches", disable=not sys.stderr.isatty(), leave=False, file=sys.__stderr__
        )
        return bar

    def _step(self, batch: Labelled, done: float) -> None:
        """Learn from one batch, after a share of the training is done."""
        share = min((done + 0.01) / _WARM_UP, (1 - done) / (1 - _WARM_UP), 1)
        for group in self._optimizer.param_groups:
            group["lr"] = self._options.learning_rate * share * group["quickness"]
        self._loss(batch).backward()
        self._torch.nn.utils.clip_grad_norm_(list(self._network.trained.values()), 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()

    def _loss(self, batch: Labelled) -> Any:
        """Return the mean loss of a batch's sentences."""
        functional = self._torch.nn.functional
        log_odds = self._network.log_odds(batch.tokens, train=True)
        targets = self._torch.from_numpy(batch.Y.astype(np.float32)).to(log_odds.device)
        weights = np.ones(batch.Y.shape) if batch.weights is None else batch.weights
        weights = self._torch.from_numpy(weights.astype(np.float32)).to(log_odds.device)
        if self._mode == "multiclass":
            return -(functional.log_softmax(log_odds, 1) * targets * weights).sum() / len(batch.Y)
        loss = functional.binary_cross_entropy_with_logits(log_odds, targets, weights, reduction="sum")
        return loss / len(batch.Y)

    def _judge(self, dev: Labelled | None) -> None:
        """Keep the arrays if they are the best so far, and end the training if none was better for long."""
        score = 1.0 if dev is None else _macro_average_precision(dev.Y, read_log_odds(self._network, dev.tokens))
        if dev is None or score > self._best_score:
            arrays = {name: array.detach().clone() for name, array in self._network.trained.items()}
            self._best, self._best_score, self._best_epoch = arrays, score, self._epoch
        patience = self._options.patience
        self._is_over |= patience is not None and self._epoch - self._best_epoch >= patience

    def _save(self) -> None:
        """Keep the state of the training; when it is over, only the best arrays."""
        if self._checkpoint is None:
            return
        state = {"best": self._best, "is_over": self._is_over}
        if not self._is_over:
            state |= {"arrays": self._network.trained, "optimizer": self._optimizer.state_dict()}
            state |= {"epoch": self._epoch, "seconds": self._seconds}
            state |= {"best_score": self._best_score, "best_epoch": self._best_epoch}
        with write_atomically(self._checkpoint) as file:
            self._torch.save(state, file)

    def _resume(self, checkpoint: Path) -> None:
        """Go on from a checkpoint; with `weights_only` nothing in the file can run."""
        state: dict[str, Any] = self._torch.load(checkpoint, weights_only=True)
        self._best, self._is_over = state["best"], state["is_over"]
        if not self._is_over:
            self._network.set_arrays(state["arrays"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._epoch, self._seconds = state["epoch"], state["seconds"]
            self._best_score, self._best_epoch = state["best_score"], state["best_epoch"]


def share_log_odds(train: Labelled, mode: str) -> np.ndarray:
    """Return the log-odds of each topic that their shares of the sentences give, shape (topics,).

    To begin at zero, a probability of a half for topics that one sentence in twenty carries, costs small sets epochs.
    """
    weights = np.ones(train.Y.shape) if train.weights is None else train.weights
    shares = ((weights * train.Y).sum(axis=0) + 1) / (weights.sum(axis=0) + 2)
    return np.asarray(np.log(shares) - (0.0 if mode == "multiclass" else np.log1p(-shares)))


def batches_by_length(
    tokens: Sequence[Sequence[int]], batch_size: int, order: np.random.Generator
) -> Iterator[np.ndarray]:
    """Yield the rows of each batch, in a random order; sentences of like length are together, as padding costs time."""
    shuffled = order.permutation(len(tokens))
    lengths = np.array([len(ids) for ids in tokens])
    batches = []
    for start in range(0, len(tokens), batch_size * _WINDOW):
        rows = shuffled[start : start + batch_size * _WINDOW]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        batches += [rows[first : first + batch_size] for first in range(0, len(rows), batch_size)]
    for number in order.permutation(len(batches)):
        yield batches[number]


def read_log_odds(network: Network, tokens: Sequence[Sequence[int]]) -> np.ndarray:
    """Return a network's log-odds for tokenized sentences, float64 (sentences, topics)."""
    order = np.argsort([len(ids) for ids in tokens], kind="stable")
    log_odds = np.empty((len(tokens), network.n_topics))
    with import_torch().no_grad():
        for start in range(0, len(tokens), _READ):
            rows = order[start : start + _READ]
            log_odds[rows] = network.log_odds([tokens[row] for row in rows]).cpu().numpy()
    return log_odds


def _macro_average_precision(Y: np.ndarray, log_odds: np.ndarray) -> float:
    """Return the macro average precision over the topics that some sentence carries."""
    columns = zip(Y.T, log_odds.T, strict=True)
    return float(np.mean([average_precision(y, scores) for y, scores in columns if y.any()]))
