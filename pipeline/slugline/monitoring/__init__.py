"""Monitoring: whether new text is like the text that a model was judged on. No input or output."""

from slugline.monitoring.drift import DriftReport, check_reference, describe_measure, detect_drift
from slugline.monitoring.profiles import ALPHA, MIN_EFFECT, profile_sentences

__all__ = [
    "ALPHA",
    "MIN_EFFECT",
    "DriftReport",
    "check_reference",
    "describe_measure",
    "detect_drift",
    "profile_sentences",
]
