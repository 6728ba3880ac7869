"""What the registry shows beside the models: the description of a registered model, the tags of its versions."""

import json
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from slugline.tracking.headlines import describe_score, judged_part
from slugline.tracking.paging import search_all
from slugline.tracking.store import model_folder
from slugline.tracking.store_errors import store_exceptions
from slugline.tracking.uploads import EXAMPLE

_CONTEXTS = {"training": "train", "validation": "dev", "testing": "test"}


def register_version(mlflow: Any, name: str, uri: str, card: str, run: Any) -> str:
    """Register a logged model of a run as the next version, with its card and tags, and return the number.

    A version that an earlier attempt registered is gone on with.
    """
    from slugline.report.markdown import cut_lines
    from slugline.report.registered import LONGEST

    client = mlflow.MlflowClient()
    found = search_all(client.search_model_versions, f"run_id='{run.info.run_id}'")
    number = next((version.version for version in found if version.name == name), None)
    if number is None:
        with redirect_stderr(StringIO()):  # MLflow prints there what we say ourselves
            number = mlflow.register_model(uri, name).version
    rest = "more lines: see model_card.md among the artifacts of its run"
    client.update_model_version(name, number, cut_lines(card.splitlines(), LONGEST, rest))
    for key, text in _version_tags(run).items():
        client.set_model_version_tag(name, number, key, text)
    return str(number)


def write_description(client: Any, name: str, alias: str, folder: Path | None = None) -> None:
    """Write what a registered model is, by its version in use; a description that others wrote stays.

    Parameters
    ----------
    client : MlflowClient
        Of the store.
    name, alias : str
        Of the registered model, and of the version in use.
    folder : Path, optional
        The saved model of that version, where it is at hand.
    """
    from slugline.model.store import read_origin  # late: imports SciPy and Arrow
    from slugline.report.registered import OURS, describe_registered_model

    registered = client.get_registered_model(name)
    number = registered.aliases.get(alias)
    if number is None or (registered.description and OURS not in registered.description):
        return
    run_id = client.get_model_version(name, number).run_id
    topics, info = read_origin(folder or model_folder(f"models:/{name}/{number}", client.tracking_uri))
    facts = {"In use": f"version {number} ({alias})"}
    with suppress(*store_exceptions()):  # its run may be gone
        run = client.get_run(run_id)
        facts |= {
            "Its run": run.info.run_name,
            "Macro F1": describe_score(run.data.metrics, run.data.tags),
            "Data": _list_data(run),
        }
    text = describe_registered_model(name, alias, topics, info, facts=facts, example=EXAMPLE)
    client.update_registered_model(name, text)


def _version_tags(run: Any) -> dict[str, str]:
    """Return the tags of a version, by its run: how good it is, and on which data; `promote` adds what it finds."""
    judged = judged_part(run.data.metrics)
    data = [_describe_data(dataset) for part, dataset in _data_sets(run) if part == judged]
    tags = {
        "macro_f1": describe_score(run.data.metrics, run.data.tags),
        "data": ", ".join(data) or _list_data(run),
    }  # all, if cross-validated
    return {key: text for key, text in tags.items() if text}


def _data_sets(run: Any) -> list[tuple[str, Any]]:
    """Return the data sets of a run, each with its part."""
    return [
        (_CONTEXTS.get(tag.value, tag.value), found.dataset)
        for found in run.inputs.dataset_inputs
        for tag in found.tags
        if tag.key == "mlflow.data.context"
    ]


def _list_data(run: Any) -> str:
    """Return the data sets of a run."""
    return ", ".join(_describe_data(dataset) for _, dataset in _data_sets(run))


def _describe_data(dataset: Any) -> str:
    """Return the name, the size and the digest of a data set."""
    rows = None
    with suppress(ValueError, AttributeError, TypeError):  # of a run that another tool wrote
        rows = json.loads(dataset.profile).get("num_rows")
    size = f"{rows} sentences, " if isinstance(rows, int) else ""
    return f"{dataset.name} ({size}digest {dataset.digest})"
