"""How far probabilities are from the share of positives: calibration error, Brier score, reliability curve.

Bins hold as many sentences each (Nixon et al. 2019, "Measuring calibration in deep learning"): most sentences are near
0.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr


def expected_calibration_error(y: np.ndarray, p: np.ndarray, bins: int = 10, debiased: bool = False) -> float:
    """Return the mean over sentences of how far the probability of their bin is from its share of positives.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning". By chance
    alone it is above 0 for perfect probabilities; `debiased` takes off what chance adds to each bin, were the distance
    that was found the true one and the share normal, as Kumar, Liang and Ma 2019, "Verified uncertainty calibration",
    do by simulation; at least 0. Sentences of an article count as independent there: where they are alike it takes off
    too little.
    """
    curve = reliability(y, p, bins)
    gap = (curve["share"] - curve["probability"]).abs().to_numpy()
    if debiased:
        noise = np.sqrt(curve["share"] * (1 - curve["share"]) / np.maximum(curve["sentences"] - 1, 1)).to_numpy()
        gap = gap - (folded_mean(gap, noise) - gap)
    return max(0.0, float(gap @ curve["sentences"] / max(1, len(p))))


def folded_mean(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the expected absolute value of normal variables (Leone, Nelson and Nottingham 1961)."""
    scaled = mean / np.where(deviation > 0, deviation, np.inf)
    normal = deviation * np.sqrt(2 / np.pi) * np.exp(-(scaled**2) / 2) + mean * (1 - 2 * ndtr(-scaled))
    return np.asarray(np.where(deviation > 0, normal, np.abs(mean)))


def reliability(y: np.ndarray, p: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return the reliability curve of one topic, a bin a row, from low to high probabilities.

    Columns: mean `probability`, `share` of positives, number of `sentences`; DeGroot and Fienberg 1983, "The comparison
    and evaluation of forecasters". Sentences of one probability are in one bin, so there may be fewer.
    """
    ranked = np.sort(p)
    edges = np.unique(ranked[[part[0] for part in np.array_split(np.arange(len(p)), bins) if len(part)]])
    curve = pd.DataFrame({"probability": p, "share": y, "sentences": 1}).groupby(np.searchsorted(edges, p, "right"))
    return curve.agg({"probability": "mean", "share": "mean", "sentences": "sum"}).reset_index(drop=True)


def brier_score(y: np.ndarray, p: np.ndarray) -> float:
    """Return the mean squared distance of probabilities from 0 or 1 (Brier 1950); 0 is best.

    To be judged beside that of the constant share of positives, `share * (1 - share)`.
    """
    return float(np.mean((p - y) ** 2))


def calibration(Y: np.ndarray, probabilities: np.ndarray, topics: Sequence[str], bins: int = 10) -> pd.DataFrame:
    """Return the calibration of each topic: topics down; `brier, brier_constant, ece, ece_debiased` across.

    `Y` and `probabilities` have shape (sentences, topics). `brier_constant` is that of the share of positives for all.
    """
    rows = {
        topic: {
            "brier": brier_score(y, p),
            "brier_constant": float(y.mean() * (1 - y.mean())),
            "ece": expected_calibration_error(y, p, bins),
            "ece_debiased": expected_calibration_error(y, p, bins, debiased=True),
        }
        for topic, y, p in zip(topics, Y.T, probabilities.T, strict=True)
    }
    return pd.DataFrame(rows).T.rename_axis("topic")
