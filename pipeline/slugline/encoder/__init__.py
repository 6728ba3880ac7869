"""Sentence encoders as data: weights are arrays, the graph that runs them is built here.

This is the one door: other rooms import from here only.
"""

from typing import TYPE_CHECKING, Any

from slugline.encoder.installed import check_tokenizers, encoder_folder
from slugline.encoder.reading import Encoder, read_encoder
from slugline.encoder.running import TextEncoder, library
from slugline.encoder.weights import EncoderConfig, EncoderWeights
from slugline.encoder.wordpiece import WordPieces

if TYPE_CHECKING:
    from slugline.encoder.estimator import SentenceEncoder

__all__ = [
    "Encoder",
    "EncoderConfig",
    "EncoderWeights",
    "SentenceEncoder",
    "TextEncoder",
    "WordPieces",
    "check_tokenizers",
    "encoder_folder",
    "library",
    "read_encoder",
]


def __getattr__(name: str) -> Any:
    # Prediction does not need scikit-learn, and must not wait for its import
    if name == "SentenceEncoder":
        from slugline.encoder.estimator import SentenceEncoder

        return SentenceEncoder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
