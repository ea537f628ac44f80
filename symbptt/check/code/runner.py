"""Executes a program under limits and calls a function of it: ``python -I runner.py FOLDER``.

This file is run on its own, in a process of its own, and never imported.  FOLDER holds
``job.json``, ``arrays.npz`` and ``program.py``.  The reply goes to standard output: eight bytes
that say how long it is, eight that say how long its JSON is, the JSON, and the numbers of the
arrays, whose shapes are in the JSON.
What the program prints goes nowhere.
"""

import ast
import contextlib
import json
import os
import sys
import time
from typing import Any, NoReturn

MOST_LEAVES = 20_000
MOST_NUMBERS = 2_000_000
CODE = "<code>"


class Fields(dict[str, Any]):
    """A dict whose entries are attributes, too: params["W"] and params.W."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def limit(job: dict[str, Any]) -> None:
    """Limits of this process, which nothing it starts can raise."""
    try:
        import resource
    except ImportError:  # not on this system: the time limit of the parent is all there is
        return
    rows = {
        "RLIMIT_AS": job["memory"],
        "RLIMIT_CPU": job["cpu"],
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NPROC": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 64,
    }
    for name, value in rows.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):
            hard = value + (name == "RLIMIT_CPU")  # a second after the signal that says why
            resource.setrlimit(getattr(resource, name), (value, hard))


def built(spec: Any, arrays: dict[str, Any]) -> Any:
    """A value as a specification says, of arrays that nobody else has."""
    kind, what = spec
    if kind == "array":
        return arrays[what].copy()
    if kind == "value":
        return what
    if kind in ("list", "tuple"):
        items = [built(s, arrays) for s in what]
        return items if kind == "list" else tuple(items)
    if kind == "dict":
        return Fields((key, built(s, arrays)) for key, s in what)
    raise ValueError(kind)


class Pack:
    """Values taken apart: a tree for JSON, and numbered arrays."""

    def __init__(self, np: Any) -> None:
        self.np, self.numbers = np, 0
        self.arrays: list[Any] = []

    def __call__(self, value: Any, depth: int = 0) -> list[Any]:
        np = self.np
        if value is None:
            return ["none"]
        if isinstance(value, (bool, int, float, np.ndarray, np.number)):
            array = np.array(value)  # a copy
            if array.dtype.kind not in "biuf":
                return ["other", f"an array of {array.dtype}"]
            self.numbers += array.size
            if len(self.arrays) >= MOST_LEAVES or self.numbers > MOST_NUMBERS:
                return ["other", "too much"]
            self.arrays.append(array.astype(float))
            return ["array", len(self.arrays) - 1]
        if depth > 4:
            return ["other", "too deep"]
        if hasattr(value, "_asdict"):
            value = value._asdict()
        if isinstance(value, dict):
            items = [[str(k)[:100], self(v, depth + 1)] for k, v in list(value.items())[:500]]
            return ["dict", items]
        if isinstance(value, (list, tuple)):
            return ["list", [self(v, depth + 1) for v in value[:500]]]
        fields = getattr(value, "__dict__", None)
        if isinstance(fields, dict) and fields and not callable(value):
            return self(dict(fields), depth + 1)
        return ["other", type(value).__name__[:100]]


def failure(error: BaseException) -> dict[str, Any]:
    """What was raised, and the last line of the program that it went through."""
    line: int | None = None
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == CODE:
            line = frame.tb_lineno
        frame = frame.tb_next
    try:
        message = " ".join(str(error).split())[:300]
    except BaseException:
        message = ""
    return {"error": type(error).__name__[:100], "message": message, "line": line}


def called(
    job: dict[str, Any], trial: Any, space: dict[str, Any], variants: Any, arrays: dict[str, Any]
) -> Any:
    """The function; a method is of an instance that has nothing but its attributes."""
    owner, dot, name = job["function"].rpartition(".")
    if not dot:
        return space[name]
    instance = object.__new__(space[owner])
    for attribute, value in job["constants"].items():
        setattr(instance, attribute, value)
    for attribute, key in trial["attributes"].items():
        setattr(instance, attribute, built(variants[key], arrays))
    return getattr(instance, name)


def answers(
    job: dict[str, Any], arrays: dict[str, Any], text: str, np: Any
) -> tuple[dict[str, Any], Pack]:
    """The outcome of each trial, or the failure to get as far as that."""
    space: dict[str, Any] = {"__name__": "program", "__builtins__": __builtins__}
    chosen = set(job["statements"])
    future = 0
    for i, statement in enumerate(ast.parse(text).body):
        if i not in chosen:
            continue
        try:
            code = compile(ast.Module([statement], []), CODE, "exec", future, dont_inherit=True)
            future |= code.co_flags & 0x1FF0000  # those of __future__
            exec(code, space)
        except BaseException as error:
            return {"failed": failure(error)}, Pack(np)
    variants, pack, found = job["variants"], Pack(np), []
    until = time.monotonic() + job["search_seconds"]
    for trial in job["trials"]:
        if time.monotonic() > until:
            break
        try:
            values = {name: built(variants[key], arrays) for name, key in trial["globals"].items()}
            space.update(values)
            given = [built(variants[key], arrays) for key in trial["positional"]]
            named = {name: built(variants[key], arrays) for name, key in trial["named"].items()}
            with np.errstate(all="ignore"):
                value = called(job, trial, space, variants, arrays)(*given, **named)
            found.append({"value": pack(value)})
        except BaseException as error:
            found.append(failure(error))
    return {"trials": found}, pack


def main(folder: str) -> NoReturn:
    with open(os.path.join(folder, "job.json"), encoding="utf-8") as file:
        job = json.load(file)
    with open(os.path.join(folder, "program.py"), encoding="utf-8") as file:
        text = file.read()
    reply_to = os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    try:
        import numpy as np
    except ImportError as error:
        reply: dict[str, Any] = {"failed": failure(error)}
        pack: Pack | None = None
    else:
        with np.load(os.path.join(folder, "arrays.npz"), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        work = os.path.join(folder, "work")
        os.mkdir(work)
        os.chdir(work)
        limit(job)
        import warnings

        warnings.simplefilter("ignore")
        reply, pack = answers(job, arrays, text, np)
    numbers = pack.arrays if pack is not None else []
    reply["shapes"] = [a.shape for a in numbers]
    data = json.dumps(reply).encode()
    whole = len(data).to_bytes(8, "big") + data + b"".join(a.tobytes() for a in numbers)
    whole = len(whole).to_bytes(8, "big") + whole
    while whole:
        whole = whole[os.write(reply_to, whole) :]
    os._exit(0)


if __name__ == "__main__":
    sys.setrecursionlimit(2000)
    main(sys.argv[1])
