"""A WordPiece vocabulary as data, and the tokenizer that is built of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slugline.errors import InputError

_EDGES = (("<s>", "</s>"), ("[CLS]", "[SEP]"))  # MPNet's, which has BERT's among its pieces too, and BERT's
_UNKNOWN = ("[UNK]", "<unk>")
_MAX_CHARACTERS = 100  # of a word; a longer one is unknown, as in BERT


@dataclass(frozen=True)
class WordPieces:
    """The pieces of words that an encoder knows, in the order of their ids, and how text is normalised.

    Parameters
    ----------
    pieces : tuple of str
        Unique; those inside a word begin with "##".
    lowercase : bool
        Whether text is turned into small letters.
    strip_accents : bool or None
        Whether accents are taken off; None: where text is turned into small letters.
    """

    pieces: tuple[str, ...]
    lowercase: bool = True
    strip_accents: bool | None = None

    def __post_init__(self) -> None:
        if len(set(self.pieces)) < len(self.pieces):
            raise InputError("encoder: a piece stands twice in the vocabulary")
        if "" in self.pieces or any("\n" in piece for piece in self.pieces):
            raise InputError("encoder: the vocabulary has an empty piece, or one of several lines")
        try:
            "".join(self.pieces).encode()
        except UnicodeEncodeError as error:
            raise InputError("encoder: a piece of the vocabulary holds half a character, a lone surrogate") from error
        self.edges  # noqa: B018 - raises where they are missing
        self.unknown  # noqa: B018 - likewise

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each piece."""
        return {piece: number for number, piece in enumerate(self.pieces)}

    @cached_property
    def edges(self) -> tuple[int, int]:
        """The ids that begin and end every sentence."""
        for first, last in _EDGES:
            if first in self.ids and last in self.ids:
                return self.ids[first], self.ids[last]
        raise InputError("encoder: the vocabulary has neither [CLS] and [SEP] nor <s> and </s>")

    @cached_property
    def unknown(self) -> str:
        """The piece for an unknown word."""
        for piece in _UNKNOWN:
            if piece in self.ids:
                return piece
        raise InputError("encoder: the vocabulary has neither [UNK] nor <unk>")

    def tokenize(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Return the ids of each text, with those of its edges at most `max_length`."""
        first, last = self.edges
        # A lone surrogate has no UTF-8
        encodings = self._tokenizer.encode_batch_fast(
            [text.encode(errors="replace").decode() for text in texts], add_special_tokens=False
        )
        return [[first, *encoding.ids[: max_length - 2], last] for encoding in encodings]

    @cached_property
    def _tokenizer(self) -> Any:
        """The tokenizer, of the library of this name."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads warn of every fork
        import tokenizers
        from tokenizers import models, normalizers, pre_tokenizers

        tokenizer = tokenizers.Tokenizer(
            models.WordPiece(self.ids, unk_token=self.unknown, max_input_chars_per_word=_MAX_CHARACTERS)
        )
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=self.lowercase, strip_accents=self.strip_accents)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        return tokenizer
