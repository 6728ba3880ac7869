"""The command line: `slugline COMMAND key=value ...`; each command is a Hydra app."""

import atexit
import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from slugline.terminal import close_output, guard_output

COMMANDS = {
    "train": "read, split, label, train, evaluate, log to MLflow; -m sweeps",
    "predict": "label the sentences of new articles with a saved model",
    "label": "apply the labelling rules; the annotation guide; to annotation tools and back",
    "review": "which sentences to label next, and which labels look wrong: tasks for annotation tools",
    "export": "write a model as a plain scikit-learn pipeline",
    "compare": "runs side by side, each difference with its interval and p-value",
    "promote": "judge a model against the champion and move the alias; rollback=true",
    "reproduce": "train a recorded run again and put every metric of both side by side",
    "monitor": "tell whether new articles are like those that a model was judged on",
    "log": "log a finished run from its folder, as after a training whose store failed",
    "ui": "the MLflow UI on the right store",
}

# These are no Hydra apps: they take words, and have no config
PLAIN_COMMANDS = {
    "new": "make a project of your own: a folder for articles, topics and models",
    "guide": "the guide, a page for each subject",
}

_COMPLETION = ("--complete", "--install-completion", "--show-completion")
_HELP = {"--help", "-h"}

# What users write for a key that cannot have that name, since a group of the config has it
_KEY_ALIASES = {command: {"experiment=": "experiment_name="} for command in ("compare", "ui")}
_VERBOSE = {"-v", "--verbose"}  # of `train`, the one command with stages; Hydra has no such options
_WORDS = {"log": "folder"}  # the key of what a command takes without one


def main() -> None:
    """Run `slugline` as a program."""
    # MLflow's import makes 150,000 objects that stay: looking through them at every 700 new ones takes a fifth of it
    gc.set_threshold(100_000)
    guard_output()
    atexit.register(gc.freeze)  # and skip one last collection at exit, which takes a second
    try:
        execute(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
    except OSError as error:
        from slugline.errors import describe_refusal

        if (refusal := describe_refusal(error)) is None:
            raise
        close_output()
        _fail(f"cannot write standard output: {refusal}")


def _leave_pipe() -> NoReturn:
    """Leave in silence, since the reader of our output has left: `slugline guide gold | head`."""
    close_output()
    sys.exit(141)


def execute(arguments: Sequence[str]) -> None:
    """Run a command line without its first word, such as `["train", "seed=1"]`.

    Raises
    ------
    SystemExit
        With 1 after a user's mistake, which is printed in a line on standard error, and with what commands exit with.
    """
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage())
    elif arguments[0] == "--version":
        from slugline import __version__

        print(f"slugline {__version__}")
    elif arguments[0] in COMMANDS and not _HELP.intersection(arguments):
        _run(arguments[0], list(arguments[1:]))
    else:
        from slugline.errors import InputError

        try:
            print(_answer(arguments[0], arguments[1:]))
        except InputError as error:
            _fail(str(error))


def _answer(word: str, arguments: Sequence[str]) -> str:
    """Return what is printed for a command line that starts no Hydra app."""
    if word in COMMANDS:
        from slugline.config.help import describe_command

        return describe_command(word, arguments)
    if word in PLAIN_COMMANDS:
        module = import_module(f"slugline.commands.{word}")
        return str(module.HELP if _HELP.intersection(arguments) else getattr(module, word)(arguments))
    if word in _COMPLETION:
        from slugline.config.completion import complete_line, install_completion, show_completion

        given = arguments[0] if arguments else None
        if word == "--complete":
            return "\n".join(complete_line(given or "", (*PLAIN_COMMANDS, *COMMANDS)))
        return install_completion(given) if word == "--install-completion" else show_completion(given).rstrip("\n")
    _fail(f"unknown command '{word}'; allowed: {', '.join((*COMMANDS, *PLAIN_COMMANDS))}")


def _usage() -> str:
    """Return the help text."""
    rows = [f"  {name:<10}{text}" for name, text in (PLAIN_COMMANDS | COMMANDS).items()]
    return "\n".join(
        [
            "slugline COMMAND key=value ...",
            "",
            *rows,
            "",
            "slugline COMMAND --help     its keys and the groups of its config",
            "slugline COMMAND --cfg job  the config as it would run",
            "slugline --install-completion [bash|zsh]  the Tab key completes commands, groups, options and paths",
            "slugline --show-completion [bash|zsh]     the script that does it",
            "slugline --version",
        ]
    )


def _fail(message: str) -> NoReturn:
    """Say what is wrong in one line and leave with 1."""
    print("slugline:", *message.split(), file=sys.stderr)
    sys.exit(1)


def _run(command: str, arguments: list[str]) -> None:
    """Run a command as a Hydra app; a user's mistake is one line and exit code 1, a bug a traceback."""
    import hydra

    from slugline.config.build import describe_error, is_explained
    from slugline.config.launch import (
        find_wrong_group,
        find_wrong_option,
        name_word,
        quote_signs,
        register,
        restrict_topics,
        suggest_override,
    )
    from slugline.config.quick_hydra import composing_once
    from slugline.config.user_files import add_project, find_undecodable
    from slugline.files import shipped_folder
    from slugline.tracking import abandon_sweep

    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that errors reach us as they are
    verbose = command == "train" and not _VERBOSE.isdisjoint(arguments)
    if verbose:
        arguments = [argument for argument in arguments if argument not in _VERBOSE]
    if command in _WORDS:
        arguments = name_word(_WORDS[command], arguments)
    if suggestion := suggest_override(command, arguments):
        _fail(suggestion)
    arguments = add_project(arguments)
    arguments = sorted(
        arguments, key=lambda argument: not argument.startswith("-") and "=" in argument
    )  # options first
    for short, key in _KEY_ALIASES.get(command, {}).items():
        arguments = [
            key + argument.removeprefix(short) if argument.startswith(short) else argument for argument in arguments
        ]
    arguments = restrict_topics(quote_signs(arguments))
    if wrong := find_wrong_option(arguments) or find_wrong_group(command, arguments):
        _fail(wrong)

    sys.argv = [f"slugline {command}", *arguments]
    app = hydra.main(version_base="1.3", config_path=str(shipped_folder("conf")), config_name=command)(
        _job(command, verbose)
    )
    try:
        register(command)
        with composing_once(arguments), _printing_notes():
            app()
    except KeyboardInterrupt:
        abandon_sweep()
        sys.exit(130)
    except UnicodeDecodeError:
        if wrong := find_undecodable(arguments):
            _fail(wrong)
        raise
    except Exception as error:
        if not is_explained(error):
            raise
        abandon_sweep()
        _fail(describe_error(error))


@contextmanager
def _printing_notes() -> Iterator[None]:
    """Print what the library logs, each in a line on standard error."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("slugline: %(message)s"))
    logger = logging.getLogger("slugline")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _job(command: str, verbose: bool) -> Callable[[Any], Any]:
    """Return what Hydra runs for a command: its settings are built, and the function of its module is called."""
    from dataclasses import replace

    def task(config: Any) -> Any:
        from slugline.config.build import check_keys, describe_error, is_explained
        from slugline.config.launch import build_job, describe_start, read_launch
        from slugline.config.schemas import find_settings
        from slugline.config.sweep import record_failure
        from slugline.tracking import explained, in_sweep

        try:
            if command == "train" and not in_sweep():
                check_keys(config, find_settings(command))
                print(describe_start(command, read_launch()), flush=True)  # before the imports that components need
            settings, launch = build_job(command, config)
            with explained(getattr(settings, "tracking_uri", None)):
                return getattr(import_module(f"slugline.commands.{command}"), command)(
                    settings, replace(launch, verbose=verbose)
                )
        except BrokenPipeError:
            _leave_pipe()  # before Hydra says that a job failed
        except Exception as error:
            if not is_explained(error):
                raise
            if in_sweep():
                return record_failure(config, error)
            _fail(describe_error(error))  # before Hydra adds lines of its own
        finally:
            _discard_empty(read_launch().folder)

    task.__name__ = command
    return task


def _discard_empty(folder: Path) -> None:
    """Remove the folder that Hydra made for a run, if nothing was written, and what this leaves empty above it."""
    with suppress(OSError):  # it is not empty
        for place in (folder, *folder.parents):
            if not place.is_relative_to(Path.cwd()) or place == Path.cwd():
                break
            place.rmdir()
