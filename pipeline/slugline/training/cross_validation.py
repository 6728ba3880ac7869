"""Cross-validation of all that a training decides: each article is judged by a model that was made without it.

For each fold everything is fitted again on the other articles: features, weights, `C` where it is left to the data,
calibration and thresholds, which rest on a cross-validation inside these articles (nested: Varma and Simon 2006, "Bias
in error estimation when using cross-validation for model selection"). Sentences of test are not among those judged:
test stays a check that nothing was chosen by.
"""

from collections.abc import Callable

import numpy as np

from slugline.dataset import Dataset, check_dataset, judged_rows
from slugline.duplicates import article_groups
from slugline.errors import InputError
from slugline.finetune import FineTunedEncoder
from slugline.training.fit import FittedModel
from slugline.training.heads import divide_folds
from slugline.training.held_out import fit_and_predict
from slugline.training.judged import CROSS_VALIDATED, Judged
from slugline.training.settings import TrainSettings

FEW_SENTENCES = 100  # by fewer a model is hardly judged: with 25 of a topic, the interval of its F1 is about 0.4 wide
_LEAST_ARTICLES = 3  # one to judge, two to cross-validate on
_KEY = "evaluation=cross_validation"

_Refit = Callable[[Dataset], FittedModel]


def is_cross_validated(dataset: Dataset, settings: TrainSettings) -> bool:
    """Tell whether a model is judged by cross-validation: where that is asked for, or few sentences are held out.

    Where it is not asked for, not for what takes minutes to learn: encoders that are fine-tuned, and teachers.
    """
    if not dataset.rows("train").any():  # out of core it is not kept
        return False
    asked = settings.evaluation.cross_validation
    if asked is not None:
        return asked
    is_slow = settings.teacher is not None or any(
        isinstance(one, FineTunedEncoder) for one in settings.features.values()
    )
    is_held_out = dataset.rows(dataset.evaluated_part)
    return not is_held_out.any() or (is_held_out.sum() < FEW_SENTENCES and not is_slow)


def cross_validate(dataset: Dataset, settings: TrainSettings, refit: _Refit) -> Judged:
    """Return the predictions for all labelled sentences but those of test, those of people alone if there are any.

    Parameters
    ----------
    dataset : Dataset
        One that passes `check_dataset`.
    settings : TrainSettings
        Of which `folds`, `seed` and the part that thresholds are chosen on are used.
    refit : callable
        Fits a model on the train part of a dataset.

    Returns
    -------
    Judged
        A topic that is in no other fold is not given, with probability 0.

    Raises
    ------
    InputError
        Where too few articles are labelled.
    """
    kept = dataset.sentences["split"].isin(("train", "dev")).to_numpy()
    rows, groups = judged_rows(dataset) & kept, article_groups(dataset.sentences)
    count = len(np.unique(groups[rows]))
    if count < _LEAST_ARTICLES:
        raise InputError(f"{_KEY} needs labelled sentences of at least {_LEAST_ARTICLES} articles, found {count}")
    folds = divide_folds(dataset.Y[rows], groups[rows], settings.folds, settings.seed)
    fold_of_group = dict(zip(groups[rows].tolist(), folds.tolist(), strict=True))
    fold_of_row = np.array([fold_of_group.get(group, -1) for group in groups.tolist()])

    def fit(some: Dataset) -> FittedModel:
        try:
            check_dataset(some, settings.threshold.part)
        except InputError as error:
            raise InputError(f"{_KEY}: in a fold, {error}") from error
        return refit(some)

    probabilities, decided = np.zeros(dataset.Y.shape), np.zeros_like(dataset.Y)
    for fold in np.unique(folds):
        held_out = kept & (fold_of_row == fold)
        others = _hold_out(dataset, held_out)
        probabilities[held_out], decided[held_out] = fit_and_predict(others, held_out, fit)
    return Judged(CROSS_VALIDATED, rows, probabilities[rows], decided[rows])


def _hold_out(dataset: Dataset, held_out: np.ndarray) -> Dataset:
    """Return a dataset with other sentences as test; those that were are in no part."""
    split = dataset.sentences["split"].to_numpy()
    return dataset.with_split(np.where(held_out, "test", np.where(split == "test", "left out", split)))
