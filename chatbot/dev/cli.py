"""The commands. Standard library only: each command first gets `.venv` ready and goes on inside it."""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from chatbot.dev import bootstrap
from chatbot.dev.exceptions import DevError
from chatbot.dev.layout import ROOT, Layout

# Command: module, function and the requirement file that it needs.
COMMANDS = {
    "up": ("chatbot.dev.up", "up", "embedded"),
    "down": ("chatbot.dev.control", "down", "embedded"),
    "status": ("chatbot.dev.control", "status", "embedded"),
    "logs": ("chatbot.dev.control", "logs", ""),
    "fmt": ("chatbot.dev.checks", "fmt", "dev"),
    "check": ("chatbot.dev.checks", "check", "dev"),
    "test": ("chatbot.dev.checks", "test", "dev"),
    "e2e": ("chatbot.dev.checks", "e2e", "dev"),
    "bench": ("chatbot.dev.checks", "bench", "dev"),
    "all": ("chatbot.dev.checks", "everything", "dev"),
}

PASSING = {"test", "e2e", "bench"}


def parser_make() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m chatbot.dev", description="Run, stop, check and measure.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="install what is missing and run everything on this machine")
    up.add_argument("--detach", action="store_true", help="return when it is ready and leave it running")
    commands.add_parser("down", help="stop what `up` started")
    commands.add_parser("status", help="say what runs and where")
    logs = commands.add_parser("logs", help="show what the processes said")
    logs.add_argument("process", nargs="?", default="", help="web, inference, ingest, beat, model, postgres, valkey")
    logs.add_argument("-f", "--follow", action="store_true", help="go on showing what comes")
    logs.add_argument("-n", "--lines", type=int, default=40, help="how many lines of each process (40)")
    commands.add_parser("fmt", help="format the code")
    commands.add_parser("check", help="linters, types, import contracts, Django's checks")
    commands.add_parser("test", help="check, pytest and the browser journeys; with arguments only pytest, with these")
    commands.add_parser("e2e", help="the browser journeys; arguments go to pytest")
    commands.add_parser("bench", help="measure; arguments say what")
    commands.add_parser("all", help="what continuous integration runs")
    return parser


def options_parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; what follows a command in PASSING goes through unread, as `rest`."""
    if arguments and arguments[0] in PASSING and arguments[1:] not in (["-h"], ["--help"]):
        return argparse.Namespace(command=arguments[0], rest=list(arguments[1:]))
    return parser_make().parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run one command; what the operator can mend ends in one sentence and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        options = options_parse(arguments)
        module, name, requirements = COMMANDS[options.command]
        layout = Layout.from_environment()
        os.chdir(ROOT)
        if requirements and not bootstrap.is_ready(requirements):
            if options.command in {"down", "status"} and not bootstrap.has_venv():
                print("Nothing runs: nothing was installed yet.")
                return 0 if options.command == "down" else 3
            bootstrap.install(requirements, layout)
        if requirements and not bootstrap.is_inside():
            bootstrap.enter(arguments)
        command: Callable[[argparse.Namespace, Layout], int] = getattr(import_module(module), name)
        return command(options, layout)
    except DevError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}:
            raise
        print(_disk_sentence(error), file=sys.stderr)
    return 1


def _disk_sentence(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"The disk is full{where}: free some space, or set CHATBOT_DATA_DIR to a directory on another disk."
    return f"{error.strerror}{where}: let this user write there, or set CHATBOT_DATA_DIR to a directory of yours."


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt
