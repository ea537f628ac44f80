"""A process of its own in which code is run, with limits.

These are limits, not a sandbox: the code has the rights of whoever starts it.  It can read what
they can read and reach what they can reach.  What the limits stop is a mistake: code that does not
end, takes all memory, fills a disk, or prints without end.  Run code that you would run yourself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RUNNER = Path(__file__).with_name("runner.py")


@dataclass(frozen=True)
class Limits:
    """What the process may use: wall-clock and processor seconds, bytes of memory and of reply.

    It may write no file that is not empty, and where the system counts processes by user it may
    start none.
    """

    seconds: float = 30.0
    cpu: int = 30
    memory: int = 2 << 30
    reply: int = 64 << 20


@dataclass(frozen=True)
class Reply:
    """What the process said: ``data`` from JSON, and arrays; or why it said nothing."""

    data: Mapping[str, Any]
    arrays: tuple[Array, ...] = ()
    silence: str = ""


def run(program: str, job: Mapping[str, Any], arrays: Mapping[str, Array], limits: Limits) -> Reply:
    """Run the runner on a program in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="symbptt-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "program.py").write_text(program, encoding="utf-8")
        bounds = {"memory": limits.memory, "cpu": limits.cpu, "search_seconds": limits.seconds / 2}
        (folder / "job.json").write_text(json.dumps({**job, **bounds}), encoding="utf-8")
        with open(folder / "arrays.npz", "wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        return _ask(folder, limits)


def _environment(folder: Path) -> dict[str, str]:
    """What a program needs to start; nothing of ours is handed on."""
    own = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    place = dict.fromkeys(("HOME", "TMPDIR", "TEMP"), str(folder))
    return {**own, **place, "PATH": os.defpath, "MPLBACKEND": "Agg", **dict.fromkeys(threads, "1")}


def _ask(folder: Path, limits: Limits) -> Reply:
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(RUNNER), str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    assert process.stdout is not None
    heard = _Heard(limits.reply)
    listener = threading.Thread(target=heard.listen, args=(process.stdout,), daemon=True)
    listener.start()
    until = time.monotonic() + limits.seconds
    try:
        while not heard.complete and not _has_ended(process) and time.monotonic() < until:
            heard.more.wait(0.05)
            heard.more.clear()
        late = not heard.complete and not _has_ended(process)
    finally:
        _end(process)
    listener.join(1.0)
    if not listener.is_alive():
        process.stdout.close()
    if heard.complete:
        return _reply(bytes(heard.data[8 : heard.length]))
    if late and len(heard.data) <= limits.reply:
        return Reply({}, silence=f"it did not end within {limits.seconds:g} seconds")
    if late:
        return Reply({}, silence="it returned too much")
    return Reply({}, silence=_death(process.returncode))


class _Heard:
    """What has come from the process so far."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.data = bytearray()
        self.more = threading.Event()

    @property
    def length(self) -> int:
        return 8 + int.from_bytes(self.data[:8], "big")

    @property
    def complete(self) -> bool:
        return len(self.data) >= 8 and self.length <= min(len(self.data), self.most)

    def listen(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while len(self.data) <= self.most and (piece := os.read(stream.fileno(), 1 << 16)):
                self.data += piece
                self.more.set()
        self.more.set()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process has ended; it keeps its number until :func:`_end`."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started in its group."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _death(code: int) -> str:
    """How a process ended that said nothing."""
    if code >= 0:
        return f"it ended the process itself, with exit code {code}"
    names = {s.value: s.name for s in signal.Signals}
    name = names.get(-code, str(-code))
    why = {"SIGXCPU": "it took too much processor time", "SIGKILL": "it was killed by the system"}
    return why.get(name, f"the process was ended by {name}")


def _reply(whole: bytes) -> Reply:
    """A reply taken apart; nothing in it is trusted to be what it should."""
    try:
        length = int.from_bytes(whole[:8], "big")
        data = json.loads(whole[8 : 8 + length])
        numbers = np.frombuffer(whole[8 + length :], dtype=np.float64)
        shapes = [tuple(int(n) for n in shape) for shape in data["shapes"]]
        ends = list(accumulate((prod(shape) for shape in shapes), initial=0))
        pairs = zip(ends, ends[1:], shapes, strict=False)
        return Reply(data, tuple(numbers[i:j].reshape(shape) for i, j, shape in pairs))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Reply({}, silence=f"its answer can't be read: {error}")
