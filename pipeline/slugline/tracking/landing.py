"""The page that the MLflow UI opens on: the trainings of an experiment as a table, the best first.

MLflow keeps a saved view as a tag of the experiment. That is not documented: a test in a browser holds it, and where it
fails the page is the plain table of runs.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from slugline.tracking.headlines import AGAINST_BEST, INTERVAL, WORST_TOPIC, judged_part
from slugline.tracking.paging import search_all
from slugline.tracking.store import connect
from slugline.tracking.store_errors import store_exceptions
from slugline.tracking.sweeps import find_varied

_VIEW = "slugline"  # the key of our view
_TRAININGS = "params.`split._target_` LIKE '%'"  # compare, monitor, label and the parents of sweeps have no such one
_MAX_RUNS = 200  # the latest, in which is looked for what varies
_MAX_VARIED = 3
_SAME = ("tracking.", "cache.", "choice/cache", "choice/tracking", "allowed_modules", "n_jobs", "plots")


def landing_path(experiment: str, uri: str | None = None) -> str:
    """Return the path in the UI of an experiment's trainings, after its view is put into the store.

    Parameters
    ----------
    experiment : str
        Its name; where the store has none of that name, the path is that of the list of experiments.
    uri : str, optional
        Of the store; one that cannot be written to gives the plain table of runs.
    """
    mlflow = connect(uri)
    client, query = mlflow.MlflowClient(), {"workflowType": "machine_learning"}
    logged = client.get_experiment_by_name(experiment)
    if logged is None:
        return f"/#/experiments?{urlencode(query)}"
    with suppress(*store_exceptions()):
        found = search_all(client.search_runs, [logged.experiment_id], _TRAININGS, max_results=_MAX_RUNS)
        runs = list(islice(found, _MAX_RUNS))
        compared = any(AGAINST_BEST in run.data.tags for run in runs)
        view = make_view([run.data.metrics for run in runs], [run.data.params for run in runs], compared=compared)
        tag = _to_tag(view, logged.creation_time)
        if logged.tags.get(key := f"mlflow.sharedViewState.{_VIEW}") != tag:
            client.set_experiment_tag(logged.experiment_id, key, tag)
        query["viewStateShareKey"] = _VIEW
    return f"/#/experiments/{logged.experiment_id}/runs?{urlencode(query)}"


def make_view(
    metrics: Sequence[Mapping[str, float]], params: Sequence[Mapping[str, str]], *, compared: bool = False
) -> dict[str, Any]:
    """Return what MLflow's table of runs shows of trainings: rows, order and columns, of which some hold what varies.

    Parameters
    ----------
    metrics, params : sequence of mappings
        Of the trainings, the latest first.
    compared : bool
        Whether some were compared by a sweep, so that a column says how they stand to its best.
    """
    parts = Counter(part for scores in metrics if (part := judged_part(scores)))
    part = max(("test", "cross_validated", "dev"), key=lambda name: parts[name])
    score = _column("metrics", f"{part}/f1_macro")
    widths = {  # in pixels
        **{_column("params", name): min(max(80, 8 * len(name) + 16), 150) for name in choose_varied(params)},
        score: 105,
        _column("tags", INTERVAL): 135,
        **({_column("tags", AGAINST_BEST): 190} if compared else {}),
        _column("metrics", f"{part}/f1_micro"): 105,
        _column("metrics", f"{part}/ap_macro"): 110,
        _column("tags", WORST_TOPIC): 150,
        _column("metrics", "time/total"): 85,
        _column("attributes", "Dataset"): 200,
    }
    return {
        "searchFilter": _TRAININGS,
        "orderByKey": score,
        "orderByAsc": False,
        "selectedColumns": list(widths),
        "columnOrder": list(widths),
        "columnWidths": widths,
    }


def choose_varied(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Return up to three parameters that differ between trainings, chosen options first.

    Those that some have not are left out: they come with an option. So are those that vary as one before them does: the
    seeds of parts, which follow `seed`.
    """
    varied = [name for name in find_varied(params) if not name.startswith(_SAME) and all(name in one for one in params)]
    varied.sort(key=lambda name: (not name.startswith("choice/"), name != "seed"))
    kept: dict[tuple[int, ...], str] = {}
    for name in varied:
        values = [one[name] for one in params]
        kept.setdefault(tuple(map(values.index, values)), name)
    return list(kept.values())[:_MAX_VARIED]


def _column(kind: str, name: str) -> str:
    """Return a column as MLflow names it."""
    return f"{kind}.`{name}`"


def _to_tag(view: Mapping[str, Any], time: int) -> str:
    """Return the tag that holds a view, under the name that MLflow's menu of views shows."""
    return json.dumps({"name": "Best trainings", "createdAt": time, "state": json.dumps(view)})
