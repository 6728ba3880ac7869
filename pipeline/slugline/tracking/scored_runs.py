"""Runs that a sweep has only scored: they have parameters, scores and a command, but no model, tables and data sets."""

from typing import Any

from slugline.errors import InputError

COMMAND_IN_FULL = "command_in_full"  # tag of a run that was only scored: what trains and evaluates the same in full
JOB_NUMBER = "sweep.job"  # tag: which job of its sweep a run is


def is_whole(run: Any) -> bool:
    """Tell whether a run of MLflow was evaluated in full."""
    return COMMAND_IN_FULL not in run.data.tags


def check_whole(run: Any) -> None:
    """Raise `InputError`, which names the command that trains it in full, for a run that was only scored."""
    if not is_whole(run):
        only_scored = describe_only_scored(run.data.tags[COMMAND_IN_FULL])
        raise InputError(f"run {run.info.run_id} ({run.info.run_name}): {only_scored}")


def describe_only_scored(command: str) -> str:
    """Return that a run was only scored, and what trains it in full."""
    return f"only scored by its sweep, which kept no model; this trains it in full: {command}"
