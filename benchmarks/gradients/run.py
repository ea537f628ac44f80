"""Times the loss and all gradients of the grid, ours beside the peers', and draws the ratios.

    python benchmarks/gradients/run.py                      # all of it: some minutes
    python benchmarks/gradients/run.py --sizes 0 1 --networks elman --rounds 1

Each contender runs in a process of its own, on one processor unless ``--threads`` says more.  Its
gradients are compared with those written by hand in float64 before anything is timed.  A time is
the median of several calls, in each round of several; a ratio is one of times of the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from contenders import CONTENDERS, FLOOR, OURS
from networks import GRID, NETWORKS, Sizes

#: How far gradients may be from those in float64, relative to the largest entry.
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}

#: Calls of one point: how many, and after how many seconds no more.
CALLS, SECONDS, PATIENCE = 7, 0.5, 20.0

Point = tuple[str, int, str]  # network, number of the sizes, dtype
Times = dict[Point, dict[str, float | None]]


# -- one contender, in a process of its own ------------------------------------------------------


def timed(name: str, points: list[Point], references: Path) -> Iterator[dict[str, Any]]:
    """The median time of each point in milliseconds, or why there is none."""
    import numpy as np

    for network_name, i, dtype in points:
        network = NETWORKS[network_name]
        params, x, target = network.arrays(GRID[i], dtype)
        said: dict[str, Any] = {"point": [network_name, i, dtype]}
        began = time.perf_counter()
        try:
            run, read = CONTENDERS[name](network, params, x, target)
            loss, grads = read(run())
        except ImportError as error:
            yield {**said, "lacks": str(error)}
            continue
        first = time.perf_counter() - began
        if name != FLOOR:
            expected = np.load(references / f"{network_name}-{i}.npz")
            scale = {a: np.abs(expected[a]).max() for a in params}
            off = {a: float(np.abs(grads[a] - expected[a]).max() / scale[a]) for a in params}
            off["loss"] = abs(loss / float(expected["loss"]) - 1)
            worst = max(off, key=lambda a: off[a])
            if not off[worst] < TOLERANCE[dtype]:
                raise SystemExit(f"{name}, {network_name} {GRID[i]} {dtype}: {worst} is off by "
                                 f"{off[worst]:.1e}; nothing is timed")  # fmt: skip
        if first > PATIENCE:
            yield {**said, "slow": first}
            continue
        yield {**said, "ms": 1e3 * _median_time(run), "first": first}


def _median_time(run: Any) -> float:
    began = time.perf_counter()
    run()
    many = max(1, int(0.02 / (time.perf_counter() - began)))
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < CALLS and (len(times) < 3 or time.perf_counter() - began < 4 * SECONDS):
        start = time.perf_counter()
        for _ in range(many):
            run()
        times.append((time.perf_counter() - start) / many)
    return median(times)


# -- all of them -----------------------------------------------------------------------------------


def write_references(points: list[Point], folder: Path) -> None:
    """The gradients of each network and size, by hand in float64."""
    import numpy as np
    from contenders import numpy_by_hand

    for network_name, i in {(n, i) for n, i, _ in points}:
        network = NETWORKS[network_name]
        run, read = numpy_by_hand(network, *network.arrays(GRID[i], "float64"))
        loss, grads = read(run())
        np.savez(folder / f"{network_name}-{i}.npz", loss=loss, **grads)


def measured(name: str, points: list[Point], references: Path, threads: int) -> Times:
    """The times of a contender in milliseconds; None where it took too long."""
    one = {k: str(threads) for k in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    xla = "" if threads > 1 else (
        "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    )  # fmt: skip
    command = [sys.executable, __file__, "--child", name, json.dumps(points), str(references)]
    command.append(str(threads))
    found = subprocess.run(
        command, env={**os.environ, **one, "XLA_FLAGS": xla}, stdout=subprocess.PIPE, text=True,
        check=True,
    )  # fmt: skip
    times: Times = {}
    for line in found.stdout.splitlines():
        said = json.loads(line)
        if "lacks" in said:
            print(f"{name} is left out: {said['lacks']}", file=sys.stderr)
            break
        network, i, dtype = said["point"]
        times[network, i, dtype] = {name: said.get("ms")}
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(range(len(GRID))))
    parser.add_argument("--dtypes", nargs="+", default=["float32", "float64"])
    parser.add_argument("--contenders", nargs="+", default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=3, help="each time is the median of so many")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, help="a folder for results.json, .md and .svg")
    args = parser.parse_args()
    points: list[Point] = [
        (n, i, d) for n in args.networks for i in args.sizes for d in args.dtypes
    ]
    rounds: list[Times] = []
    with tempfile.TemporaryDirectory() as folder:
        references = Path(folder)
        write_references(points, references)
        for number in range(args.rounds):
            times: Times = {point: {} for point in points}
            for name in args.contenders:
                print(f"round {number + 1}: {name}", file=sys.stderr)
                for point, found in measured(name, points, references, args.threads).items():
                    times[point] |= found
            rounds.append(times)
    results = {point: _medians([times[point] for times in rounds]) for point in points}
    print(table(results))
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        rows = [{"network": n, "sizes": GRID[i], "dtype": d, "ms": ms}
                for (n, i, d), ms in results.items()]  # fmt: skip
        (args.output / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
        (args.output / "results.md").write_text(table(results) + "\n", encoding="utf-8")
        draw(results, args.output / "results.svg")


def _medians(rounds: list[dict[str, float | None]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for name in dict.fromkeys(name for times in rounds for name in times):
        times = [t for one in rounds if (t := one.get(name)) is not None]
        found[name] = median(times) if times else None
    return found


def ratio(times: dict[str, float | None], of: tuple[str, ...] = OURS) -> float | None:
    """The best of ours over the best of the peers."""
    ours = [t for name in of if (t := times.get(name)) is not None]
    peers = [t for name, t in times.items()
             if t is not None and name not in (*OURS, FLOOR)]  # fmt: skip
    return min(ours) / min(peers) if ours and peers else None


def table(results: Times) -> str:
    """Milliseconds of each contender, and ours over the best peer, as a Markdown table."""
    names = list(dict.fromkeys(name for times in results.values() for name in times))
    lines = [
        f"| network | (n, m, k, B, T) | dtype | {' | '.join(names)} | ours / best peer |",
        f"|---|---|---|{'---:|' * (len(names) + 1)}",
    ]
    for (network, i, dtype), times in results.items():
        cells = [f"{t:.3g}" if (t := times.get(name)) is not None else "–" for name in names]
        share = ratio(times)
        cells.append("–" if share is None else f"{share:.2f}")
        lines.append(f"| {network} | {GRID[i]} | {dtype} | {' | '.join(cells)} |")
    shares = [r for times in results.values() if (r := ratio(times)) is not None]
    if shares:
        lines += ["", "Milliseconds. Geometric means of ratios:", ""]
        lines.append(f"- ours / best peer: {geometric_mean(shares):.2f}")
        for name in (n for n in names if n not in OURS):
            pairs = [(t.get(OURS[0]), t.get(name)) for t in results.values()]
            known = [a / b for a, b in pairs if a is not None and b is not None]
            if known:
                mean = geometric_mean(known)
                lines.append(f"- {OURS[0]} / {name}: {mean:.2f} over {len(known)} points")
    return "\n".join(lines)


def draw(results: Times, path: Path) -> None:
    """The ratio to the best peer over the sizes, a panel for each dtype."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    dtypes = list(dict.fromkeys(d for _, _, d in results))
    sizes = list(dict.fromkeys(i for _, i, _ in results))
    figure, panels = plt.subplots(1, len(dtypes), figsize=(5 * len(dtypes), 3.6), sharey=True,
                                  squeeze=False)  # fmt: skip
    for panel, dtype in zip(panels[0], dtypes, strict=True):
        for network in dict.fromkeys(n for n, _, _ in results):
            shares = [ratio(results[network, i, dtype]) for i in sizes]
            panel.plot(range(len(sizes)), shares, marker="o", label=network)
        panel.axhline(1, color="0.6", linewidth=1)
        panel.set_yscale("log", base=2)
        panel.yaxis.set_major_formatter("{x:g}")
        panel.set_xticks(range(len(sizes)), [_label(GRID[i]) for i in sizes], fontsize=8)
        panel.set_title(f"{dtype}: symbptt over the best peer")
        panel.set_xlabel("n, m, k and batch, steps")
    panels[0][0].set_ylabel("time, ratio")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(path)


def _label(sizes: Sizes) -> str:
    n, m, k, B, T = sizes
    return f"{n}, {m}, {k}\nB = {B}, T = {T}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child, asked, folder, threads = sys.argv[2:6]
        # What a library does with its own settings is its own affair; this is not.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
        for line in timed(child, [(n, i, d) for n, i, d in json.loads(asked)], Path(folder)):
            print(json.dumps(line), flush=True)
    else:
        main()
