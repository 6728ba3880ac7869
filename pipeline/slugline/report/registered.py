"""A registered model in Markdown: what it gives, which version is in use, and lines that use it when pasted."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from slugline.model.used_model import describe_labels
from slugline.report.markdown import cut_lines, plain
from slugline.report.next_steps import name_file

OURS = "Slugline keeps this text up to date; another text in its place stays."
LONGEST = 5000  # characters, of a registered model or a version, in MLflow's databases


def describe_registered_model(
    name: str, alias: str, topics: Sequence[str], info: Mapping[str, Any], *, facts: Mapping[str, str], example: str
) -> str:
    """Return the description of a registered model.

    Parameters
    ----------
    name, alias : str
        Of the registered model, and of its version in use.
    topics : sequence of str
        Of the version in use.
    info : mapping
        Of the same; where others wrote it, what is understood is taken.
    facts : mapping of str to str
        What else is known of it, by headings.
    example : str
        A sentence for the lines that use it.
    """
    uri, defined = f"models:/{name}@{alias}", info.get("definitions")
    definitions = defined if isinstance(defined, Mapping) else {}
    trained = found[:16].replace("T", " ") if isinstance(found := info.get("trained"), str) else ""
    facts = {**facts, "Labels": describe_labels(info), "Trained": trained}
    lines = [
        f"Says which of {len(topics)} topics a sentence of a news article carries, with a probability each.",
        "",
        *(f"* {heading}: {plain(text)}" for heading, text in facts.items() if text),
        "",
        "In a shell, where `MLFLOW_TRACKING_URI` names this store, or in the folder that it was trained in:",
        "",
        *_to_code(_shell_lines(uri, example)),
        "",
        "In Python:",
        "",
        *_to_code(_python_lines(uri, example)),
        "",
        OURS,
        "",
        *(f"* **{plain(topic)}**: {plain(definitions.get(topic) or 'not defined')}" for topic in topics),
    ]
    return cut_lines(lines, LONGEST, "more topics: see the model card")


def _shell_lines(uri: str, example: str) -> str:
    """Return a command for a shell that labels a sentence, in two lines, since pages are narrow."""
    return f"echo {shlex.quote(example)} |\n  {shlex.join(['slugline', 'predict', name_file('model_uri', uri)])}"


def _python_lines(uri: str, example: str) -> str:
    """Return lines of Python that label a sentence."""
    name, text = (json.dumps(value, ensure_ascii=False) for value in (uri, example))  # reads as Python does
    return f"import slugline\n\nmodel = slugline.load_model({name})\nprint(model.predict([{text}]))"


def _to_code(text: str) -> list[str]:
    """Return lines as code in Markdown, which nothing in them ends."""
    return [f"    {line}" for line in text.split("\n")]
