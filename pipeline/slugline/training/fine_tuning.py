"""Encoders that learn from the labels of a dataset."""

from pathlib import Path
from shutil import rmtree

import numpy as np

from slugline.cache import Stages, digest, versions
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.finetune import FineTuned, FineTunedEncoder, LabelledTexts
from slugline.training.heads import as_input_error


def fine_tune(stages: Stages, name: str, encoder: FineTunedEncoder, dataset: Dataset) -> FineTuned:
    """Return an encoder that learned from train, or what is kept of it; a killed training is taken up again."""
    train, dev = (labelled_texts(dataset, part) for part in ("train", "dev"))
    options = {field: repr(value) for field, value in vars(encoder).items()}
    labels = digest("\0".join(repr([list(part.texts), *map(_to_list, part[1:])]) for part in (train, dev)))
    with as_input_error(f"features.{name}"):
        start = encoder.read()
        begin = encoder.digest(start)
    key = {"features": name, **options, "encoder": begin, "mode": dataset.mode, "labels": labels, **versions(encoder)}
    checkpoints = stages.working_folder(key)

    def fit() -> dict[str, np.ndarray]:
        with as_input_error(f"features.{name}"):
            fitted = encoder.fit(train, dev, mode=dataset.mode, checkpoints=checkpoints, start=start)
        remove_checkpoints(checkpoints)
        return fitted.to_values()

    return encoder.from_values(stages.run(f"features.{name}", key, fit), start)


def labelled_texts(dataset: Dataset, part: str) -> LabelledTexts:
    """Return the sentences of a part with what is learned of them."""
    rows = dataset.rows(part)
    weights = None if dataset.weights is None else dataset.weights[rows]
    groups = article_groups(dataset.sentences)[rows]
    return LabelledTexts(dataset.sentences["text"][rows].tolist(), dataset.Y[rows], groups, weights)


def remove_checkpoints(checkpoints: Path | None) -> None:
    """Remove what a finished training kept for the case that it is killed."""
    if checkpoints is not None:
        rmtree(checkpoints, ignore_errors=True)


def _to_list(array: np.ndarray | None) -> list[object] | None:
    """Return an array as a list."""
    return None if array is None else array.tolist()
