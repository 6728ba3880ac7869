"""The options of fine-tuning."""

from dataclasses import dataclass
from math import ceil

from slugline.errors import InputError

_LEAST = {"folds": 2, "epochs": 1, "batch_size": 1, "max_length": 8, "frozen_layers": 0, "patience": 1, "seed": 0}
_OPTIONAL = ("epochs", "patience")
_EPOCHS, _STEPS = 4, 200  # the fewest of each, where the number of epochs is left to the data


@dataclass(frozen=True, kw_only=True)
class FineTuning:
    """How an encoder learns from labels.

    Parameters
    ----------
    folds : int
        How many encoders are trained, each on all folds but one, which gives every sentence log-odds from an encoder
        that did not see it; folds never split an article. The model gets the mean of the encoders.
    epochs : int, optional
        How often training goes through the sentences, at most. By default 4 times, or more often where these would be
        less than 200 batches: few sentences need more passes.
    patience : int, optional
        After how many epochs in a row without a better macro average precision on dev training ends; the best epoch is
        kept. By default training does not look at dev, and the last epoch is kept.
    learning_rate : float
        The highest; it rises to it in the first tenth of the training and falls to 0 until the end.
    batch_size : int
        Sentences a step.
    max_length : int
        The most tokens of a sentence that are read; the rest is left out.
    frozen_layers : int
        How many of the lowest layers stay as they are, as all embeddings do: each makes training quicker.
    dropout : float
        The share of numbers that are left out by chance during training.
    weight_decay : float
        How far weights are drawn to 0, see AdamW.
    others : float
        How many sentences without a topic are learned from, as a multiple of those with one; drawn by chance.
    budget_minutes : float, optional
        After which the training of all folds ends; the learning rate falls in time. By default there is no limit. Where
        the budget ends it, what is learned depends on the speed of the machine.
    seed : int
        Of the folds, the order of sentences, and what is left out by chance.
    """

    folds: int = 3
    epochs: int | None = None
    patience: int | None = None
    learning_rate: float = 2e-4
    batch_size: int = 16
    max_length: int = 64
    frozen_layers: int = 0
    dropout: float = 0.1
    weight_decay: float = 0.01
    others: float = 1.0
    budget_minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            if type(value) is not int or value < least:
                raise InputError(f"{name}: found {value!r:.40}; allowed: a whole number from {least}")
        self._check("learning_rate", 0 < self.learning_rate < 1, "above 0, below 1")
        self._check("dropout", 0 <= self.dropout < 1, "0, or more and below 1")
        self._check("weight_decay", self.weight_decay >= 0, "0 or more")
        self._check("others", self.others >= 0, "0 or more")
        budget = self.budget_minutes
        self._check("budget_minutes", budget is None or budget > 0, "above 0, or null for no limit")

    def count_epochs(self, n_sentences: int) -> int:
        """Return how often training goes through this number of sentences."""
        if self.epochs is not None:
            return self.epochs
        return max(_EPOCHS, ceil(_STEPS / ceil(n_sentences / self.batch_size)))

    def _check(self, name: str, holds: bool, allowed: str) -> None:
        """Raise `InputError` unless an option is as it must be."""
        if not holds:
            raise InputError(f"{name}: found {getattr(self, name)!r:.40}; allowed: {allowed}")
