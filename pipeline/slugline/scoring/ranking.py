"""Reading by rank: how much must be read, most probable first, to find most of a topic."""

import numpy as np
import pandas as pd

from slugline.scoring.scores import cut_points


def reading_curve(y: np.ndarray, p: np.ndarray) -> pd.DataFrame:
    """Return how much of a topic is found by reading the most probable sentences first: columns `read` and `recall`.

    Shares from nothing read to all; sentences of one probability are read together. Recall is 1 without a positive.
    """
    _, ends, hits = cut_points(y, p)
    positives = int(y.sum())
    recall = hits / positives if positives else np.ones(len(ends))
    read = (ends + 1) / max(1, len(y))
    return pd.DataFrame({"read": [0.0, *read], "recall": [0.0 if positives else 1.0, *recall]})


def reading_budget(y: np.ndarray, p: np.ndarray, recall: float = 0.95) -> float:
    """Return the share to read, most probable first, to find this share of those with the topic; NaN without any."""
    return _read_until(y, p, recall)[0]


def work_saved(y: np.ndarray, p: np.ndarray, recall: float = 0.95) -> float:
    """Return the work saved over sampling (WSS): what need not be read, less what reading at random would save.

    Cohen et al. 2006, "Reducing workload in systematic review preparation using automated citation classification": (TN
    + FN) / N - (1 - recall), at the recall that is reached, which may be higher than that wanted. 0 is no better than
    chance; NaN without a positive.
    """
    read, reached = _read_until(y, p, recall)
    return (1 - read) - (1 - reached)


def _read_until(y: np.ndarray, p: np.ndarray, recall: float) -> tuple[float, float]:
    """Return the shares read and found at the first place with this recall; NaN without a positive."""
    if not y.any():
        return float("nan"), float("nan")
    curve = reading_curve(y, p)
    first = curve[curve["recall"] >= recall - 1e-12].iloc[0]
    return float(first["read"]), float(first["recall"])
