"""How far probabilities are from the share of positives: calibration error, Brier score, reliability curve.

Bins hold the same number of sentences (Nixon et al. 2019, "Measuring calibration in deep learning"), since most
sentences are near 0.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr


def score_calibration(Y: np.ndarray, probabilities: np.ndarray, topics: Sequence[str], bins: int = 10) -> pd.DataFrame:
    """Return the calibration of each topic, a row: `brier, brier_constant, ece, ece_debiased`.

    `brier_constant` is the Brier score of the share of positives, given to every sentence.
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


def expected_calibration_error(y: np.ndarray, p: np.ndarray, bins: int = 10, debiased: bool = False) -> float:
    """Return the mean distance of a bin's probability from its share of positives, each bin by its sentences.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning".

    By chance alone the error of perfect probabilities is above 0. `debiased` subtracts what chance adds to each bin, if
    the observed distance were the true one and the share normal, as Kumar, Liang and Ma 2019, "Verified uncertainty
    calibration", do by simulation; the result is at least 0. It takes the sentences of an article as independent: where
    they are alike it subtracts too little.
    """
    curve = reliability_curve(y, p, bins)
    gap = (curve["share"] - curve["probability"]).abs().to_numpy()
    if debiased:
        noise = np.sqrt(curve["share"] * (1 - curve["share"]) / np.maximum(curve["sentences"] - 1, 1)).to_numpy()
        # The distance is the absolute value of a noisy difference, so noise makes it longer on average.
        gap = gap - (folded_normal_mean(gap, noise) - gap)
    return max(0.0, float(gap @ curve["sentences"] / max(1, len(p))))


def folded_normal_mean(mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return the expected absolute value of normal variables (Leone, Nelson and Nottingham 1961)."""
    scaled = mean / np.where(deviation > 0, deviation, np.inf)
    normal = deviation * np.sqrt(2 / np.pi) * np.exp(-(scaled**2) / 2) + mean * (1 - 2 * ndtr(-scaled))
    return np.asarray(np.where(deviation > 0, normal, np.abs(mean)))


def reliability_curve(y: np.ndarray, p: np.ndarray, bins: int = 10) -> pd.DataFrame:
    """Return the reliability curve of one topic.

    DeGroot and Fienberg 1983, "The comparison and evaluation of forecasters". A bin a row, from low to high: mean
    `probability`, `share` of positives, number of `sentences`. There are fewer bins where sentences share a
    probability, since these are in one.
    """
    curve = pd.DataFrame({"probability": p, "share": y, "sentences": 1}).groupby(number_bins(p, bins))
    return curve.agg({"probability": "mean", "share": "mean", "sentences": "sum"}).reset_index(drop=True)


def number_bins(p: np.ndarray, bins: int) -> np.ndarray:
    """Return the number of each sentence's bin, in the order of probabilities; see `reliability_curve`."""
    ranked = np.sort(p)
    parts = np.array_split(np.arange(len(p)), bins)
    edges = np.unique(ranked[[part[0] for part in parts if len(part)]])
    return np.searchsorted(edges, p, "right")


def brier_score(y: np.ndarray, p: np.ndarray) -> float:
    """Return the mean squared distance of probabilities from 0 or 1 (Brier 1950); 0 is best."""
    return float(np.mean((p - y) ** 2))
