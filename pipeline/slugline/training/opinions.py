"""What teachers say of sentences without labels: models that are fitted as any are, or fine-tuned encoders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.cache import Stages
from slugline.dataset import Dataset
from slugline.finetune import FineTunedEncoder
from slugline.model.heads import decide, to_probabilities
from slugline.scoring import choose_thresholds
from slugline.training.calibration import calibrate
from slugline.training.fine_tuning import labelled_texts, remove_checkpoints
from slugline.training.heads import as_input_error
from slugline.training.held_out import fit_and_predict
from slugline.training.settings import TrainSettings

FURTHER = "further"  # the part of sentences without labels, which are the last of a dataset

Fit = Callable[[Dataset, TrainSettings, Stages], Any]


class Opinions(NamedTuple):
    """What a teacher says.

    `by_fold` are probabilities of further sentences, shape (1 + folds, sentences, topics): by a teacher that learned
    from all labels, then by those without the labels of a fold. `probabilities` and `decided`, shape (sentences,
    topics), are what the first says of all sentences, out of fold for train.
    """

    by_fold: np.ndarray
    probabilities: np.ndarray
    decided: np.ndarray


def ask_models(dataset: Dataset, settings: TrainSettings, fold_of_row: np.ndarray, fit: Fit) -> Opinions:
    """Fit a model on all labels, and one without those of each fold.

    `fold_of_row` has the fold of each sentence of train; `fit` is `fit_model`.
    """
    stages, train, further = Stages(settings.cache), dataset.rows("train"), _further_rows(dataset)
    whole = fit(dataset, settings, stages)
    by_fold, fold_of_sentence = [whole.probabilities[further]], np.full(len(train), -1)
    fold_of_sentence[train] = fold_of_row
    for fold in range(fold_of_row.max() + 1):
        part = dataset.with_split(np.where(fold_of_sentence == fold, "left out", dataset.sentences["split"]))
        by_fold.append(fit_and_predict(part, further, lambda some: fit(some, settings, stages))[0])
    return Opinions(np.array(by_fold), whole.probabilities, whole.model.decide(whole.probabilities))


def ask_encoders(
    dataset: Dataset,
    settings: TrainSettings,
    encoder: FineTunedEncoder,
    checkpoints: Path | None = None,
) -> Opinions:
    """Fine-tune an encoder without the labels of each fold; what all say together stands for one with all labels.

    Log-odds are calibrated out of fold, as encoders learn from a part of the sentences without a topic and would think
    topics more frequent than they are; by one slope and offset a topic for all folds.

    Parameters
    ----------
    dataset : Dataset
        Labelled sentences, and further ones in the part `FURTHER`.
    settings : TrainSettings
        Of which the threshold is used.
    encoder : FineTunedEncoder
        With the seed of the pupil's cross-validation, which has as many folds, so that these are the same.
    checkpoints : Path, optional
        See `cross_fit`; removed at the end.
    """
    train, mode = dataset.rows("train"), dataset.mode
    with as_input_error("teacher.features"):
        fitted = encoder.cross_fit(
            labelled_texts(dataset, "train"),
            labelled_texts(dataset, "dev"),
            dataset.sentences["text"][~train].tolist(),
            mode=mode,
            checkpoints=checkpoints,
        )
    remove_checkpoints(checkpoints)
    slope, offset = calibrate(fitted.out_of_fold, dataset.Y[train], dataset.calibration_rows("train")[train])
    log_odds = np.empty(dataset.Y.shape)
    log_odds[train], log_odds[~train] = fitted.out_of_fold, fitted.further.mean(axis=0)
    probabilities = to_probabilities(slope * log_odds + offset, mode)
    rows = dataset.calibration_rows(settings.threshold.part)
    thresholds = choose_thresholds(settings.threshold, dataset.Y, probabilities, rows, mode)
    further = _further_rows(dataset)
    by_fold = [to_probabilities(slope * some + offset, mode) for some in fitted.further[:, further[~train]]]
    return Opinions(
        np.array([probabilities[further], *by_fold]), probabilities, decide(probabilities, thresholds, mode)
    )


def _further_rows(dataset: Dataset) -> np.ndarray:
    """Return which sentences have no labels, shape (sentences,)."""
    return (dataset.sentences["split"] == FURTHER).to_numpy()
