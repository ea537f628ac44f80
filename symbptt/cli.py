"""The command line: arguments, files, exit codes; no mathematics.

Exit codes: 0 all is well, 1 something was found wrong, 2 the request itself was wrong, with one
line on standard error.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from symbptt.commands import check, models
from symbptt.commands.ends import BAD_REQUEST, OK


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message:
            message = _nearest(message)
        self.exit(BAD_REQUEST, f"symbptt: {message}; see {self.prog} --help\n")


def _nearest(message: str) -> str:
    """``invalid choice: 'derve' (choose from …)`` with the nearest choice first."""
    given = message.partition("invalid choice: ")[2].split("'")[1:2]
    choices = message.partition("(choose from ")[2].rstrip(")").replace("'", "").split(", ")
    near = get_close_matches(given[0] if given else "", choices, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"no command '{given[0] if given else ''}'; {hint}Known: {', '.join(choices)}"


def parser() -> argparse.ArgumentParser:
    """The arguments of every command."""
    from symbptt import __version__

    top = Parser(prog="symbptt", description="Derive backpropagation through time.")
    top.add_argument("--version", action="version", version=f"symbptt {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    commands.required = True

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str) -> Parser:
        sub = commands.add_parser(name, help=about, description=about)
        sub.set_defaults(run=run)
        return sub

    sub = command(
        "demo", models.demo, "derive, export and verify the built-in models into a folder"
    )
    sub.add_argument("-o", "--output", type=Path, default=Path("outputs"), metavar="DIR")

    command("models", models.models, "list the built-in models, one line each")

    sub = command("derive", models.derive, "derive the gradients of a model, step by step")
    _model_argument(sub)
    _steps_argument(sub, "write everything out for T steps")
    sub.add_argument(
        "--format", metavar="F", help="text, latex, fragment, markdown, html, pdf or json"
    )
    sub.add_argument("--notation", metavar="N", help="how δ, ∂ and transposes are written")
    sub.add_argument("--layout", metavar="L", help="of Jacobians: numerator or denominator")
    sub.add_argument("--inputs", action="store_true", help="derive the gradients by inputs too")
    _truncate_argument(sub)
    _mode_argument(sub)
    _let_argument(sub)
    _output_argument(sub)

    sub = command("graph", models.graph, "draw the network unrolled for T steps")
    _model_argument(sub)
    _steps_argument(sub, "the number of steps (3)")
    sub.add_argument("--format", metavar="F", help="svg, tikz or dot")
    _output_argument(sub)

    sub = command(
        "export", models.export, "write the gradient as a standalone module, once verified"
    )
    _model_argument(sub)
    sub.add_argument(
        "--backend", metavar="B", default="numpy", help="numpy, c, numba, jax or torch"
    )
    sub.add_argument("--products", metavar="P", help="hessian: Hessian-vector products too")
    sub.add_argument(
        "--checkpoints", action="store_true",
        help="memory that grows with √T, not T: what is not kept is computed again",
    )  # fmt: skip
    sub.add_argument(
        "--explain", action="store_true",
        help="print what runs where instead, and what each part of it costs",
    )  # fmt: skip
    _truncate_argument(sub)
    _mode_argument(sub)
    _let_argument(sub)
    _output_argument(sub)

    sub = command(
        "verify", models.verify, "prove the derivation and the compiled gradients of a model"
    )
    _model_argument(sub)
    _steps_argument(sub, "check sequences of T steps only")
    sub.add_argument("--format", metavar="F", default="text", help="text or json")
    sub.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the random points (0)")
    sub.add_argument(
        "--with", type=_names, default=(), dest="witnesses", metavar="W",
        help="witnesses to ask besides, once installed: torch, jax or torch,jax",
    )  # fmt: skip
    _truncate_argument(sub)
    _mode_argument(sub)
    _let_argument(sub)

    sub = command("check", check.check, "judge the gradient formulas of documents")
    sub.add_argument("documents", nargs="+", metavar="DOCUMENT", help="a file; - is standard input")
    sub.add_argument("--model", metavar="MODEL", help="judge by it: a built-in name or a path")
    sub.add_argument(
        "--names", type=Path, metavar="TOML",
        help="a file with a table [names]: the documents' symbols and the model's names of them",
    )  # fmt: skip
    sub.add_argument("--format", metavar="F", help="text, json, sarif or html")
    sub.add_argument("-q", "--quiet", action="store_true", help="list faults and notes only")
    sub.add_argument("-v", "--verbose", action="store_true", help="list what is right too")
    sub.add_argument(
        "--strict", action="store_true", help="right under a reading only is a fault too"
    )
    sub.add_argument(
        "--select", metavar="LIST",
        help="list these only: wrong,shape-error,inconclusive,right-under,right,unparsed,"
        "suppressed,definition,prose",
    )  # fmt: skip
    sub.add_argument(
        "--run-code", metavar="FUNCTION",
        help="execute the files' code, under limits that are no sandbox, and compare the gradients "
        "that FUNCTION returns; needs a model",
    )  # fmt: skip
    _output_argument(sub)
    return top


def _model_argument(sub: Parser) -> None:
    sub.add_argument(
        "model",
        metavar="MODEL",
        help="a built-in name, or the path of a model file or of a document with a model",
    )


def _steps_argument(sub: Parser, about: str) -> None:
    sub.add_argument("-T", type=_steps, metavar="N", help=about)


def _mode_argument(sub: Parser) -> None:
    about = "reverse: backpropagation through time; forward: real-time recurrent learning"
    sub.add_argument("--mode", metavar="M", default="reverse", help=about)


def _let_argument(sub: Parser) -> None:
    sub.add_argument(
        "--let", type=_binding, action="append", default=[], metavar="f=tanh",
        help="what an abstract function stands for; may be repeated",
    )  # fmt: skip


def _truncate_argument(sub: Parser) -> None:
    sub.add_argument(
        "--truncate", type=_window, metavar="K1,K2",
        help="truncated BPTT: each window of K1 steps goes back K2 of each recurrence; K is 1,K",
    )  # fmt: skip


def _output_argument(sub: Parser) -> None:
    sub.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")


def _steps(text: str) -> int:
    if not (text.isdecimal() and len(text) < 7 and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a number of steps, 1 to 100000")
    return int(text)


def _window(text: str) -> tuple[int, int]:
    numbers = text.split(",")
    if len(numbers) > 2 or not all(n.isdecimal() and len(n) < 7 and int(n) >= 1 for n in numbers):
        raise argparse.ArgumentTypeError(
            f"'{text[:40]}' is no number of steps K and no pair of them K1,K2, from 1 to 100000"
        )
    return (int(numbers[0]) if len(numbers) == 2 else 1), int(numbers[-1])


def _seed(text: str) -> int:
    if not (text.isdecimal() and len(text) < 19):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a seed, a whole number from 0 up")
    return int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _binding(text: str) -> tuple[str, str]:
    name, equals, function = text.partition("=")
    if not (equals and name.strip() and function.strip()):
        raise argparse.ArgumentTypeError(f"'{text}' binds nothing; write f=tanh")
    return name.strip(), function.strip()


def _note(message: Warning | str, *where: object, **more: object) -> None:
    """A warning as one line on standard error."""
    print(f"symbptt: note: {' '.join(str(message).split())}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    from symbptt.errors import ModelWarning, PlacedError, RequestError, SymbpttError

    for stream in (sys.stdout, sys.stderr):  # what a terminal can't show, it shows escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        if sys.stdout is None:
            raise RequestError("standard output is closed; write to a file with -o")
        with warnings.catch_warnings():
            warnings.simplefilter("always", ModelWarning)
            warnings.showwarning = _note
            code: int = args.run(args)
        sys.stdout.flush()
        return code
    except SymbpttError as error:
        print(f"symbptt: {error.headline}", file=sys.stderr)
        if isinstance(error, PlacedError) and error.place is not None and sys.stderr.isatty():
            print(error.place.drawn(), file=sys.stderr)
        return BAD_REQUEST
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:  # standard output on a full disk
        print(f"symbptt: can't write: {error.strerror}", file=sys.stderr)
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - so that nothing is flushed at exit
        return BAD_REQUEST
    except KeyboardInterrupt:
        print("symbptt: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # a mistake of ours: say so in one line, whatever it is
        if os.environ.get("SYMBPTT_DEBUG"):
            raise
        what = " ".join(str(error).split())[:200]
        print(
            f"symbptt: internal error, {type(error).__name__}: {what}; please report it with the "
            "model (SYMBPTT_DEBUG=1 shows where)",
            file=sys.stderr,
        )
        return BAD_REQUEST


if __name__ == "__main__":
    sys.exit(main())
