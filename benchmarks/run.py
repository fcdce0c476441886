"""Measure minivis against PyTorch and Captum, side by side: ``python benchmarks/run.py``.

Each system runs in a process of its own with the same number of threads, and the two take turns, so that whatever else
the machine does disturbs both. The numbers that matter are the ratios. Weights are random: speed does not depend on
them, and both sides read the same file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


class Row(NamedTuple):
    """What is measured: the task of both sides, on what, with which options; the target ratio, if there is one."""

    name: str
    task: str
    shape: tuple  # of the data: pictures (N, H, W, 3), or codes (N, D)
    size: float  # what its cost grows with, for the scaling curves
    options: Mapping = MappingProxyType({})
    target: float | None = None
    warm: bool = True  # once before it is measured; a row of minutes does without


def pictures(name, task, batch, side, target=None, size=None):
    return Row(name, task, (batch, side, side, 3), size or batch, {}, target)


def windows(stride, target=None, warm=True):
    name, count = f"occlusion, window 32, stride {stride}", ((224 - 32) // stride + 1) ** 2
    return Row(name, "occlusion", (1, 224, 224, 3), count, {"window": 32, "stride": stride}, target, warm)


def points(count, steps, target=None):
    name = f"exact t-SNE, {count:,} points, {steps:,} iterations"
    return Row(name, "tsne", (count, 50), count, {"perplexity": 30.0, "steps": steps}, target, warm=False)


ROWS = [
    pictures("saliency, batch 1", "gradient", 1, 224, 1.0),
    pictures("saliency, batch 8", "gradient", 8, 224, 0.85),
    pictures("forward, batch 1", "forward", 1, 224),
    pictures("Grad-CAM, batch 1", "grad_cam", 1, 224),
    pictures("style step to relu4_1, 384 x 384", "style_step", 1, 384, 1.0, size=384),
    pictures("gradient of the last maps, 512 x 512", "maps_gradient", 1, 512, size=512),
    windows(16),
    windows(8, target=0.2, warm=False),
    points(2000, 1000, target=1.0),
]
SCALING = [
    *(pictures(f"saliency, batch {n}", "gradient", n, 224) for n in (2, 4)),
    *(pictures(f"forward, batch {n}", "forward", n, 224) for n in (2, 4, 8)),
    *(pictures(f"style step, {s} x {s}", "style_step", 1, s, size=s) for s in (128, 256, 512)),
    *(windows(stride) for stride in (64, 32)),
    *(points(count, 300) for count in (250, 500, 1000)),
]
CAPTUM_BATCHES = (4, 8, 16, 32, 64)


class Worker:
    """A system in its process."""

    def __init__(self, system, threads, environment):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, str(threads)), **environment}
        command = [sys.executable, str(HERE / "worker.py"), system, str(threads)]
        self.process = subprocess.Popen(
            command, env=env, cwd=HERE, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.versions = self._read()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended: see its traceback above (exit code {self.process.wait()})")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(row, weights, folder, threads, repeats, environment, theirs=None):
    """Let both sides do `row` in turns, and compare times and results; `theirs` are options of the other side alone."""
    data = folder / "data.npy"
    np.save(data, made(row))
    workers = {"ours": Worker("ours", threads, environment), "theirs": Worker("theirs", threads, {})}
    seconds = {system: [] for system in workers}
    for system, options in (("ours", row.options), ("theirs", {**row.options, **(theirs or {})})):
        request = {"task": row.task, "weights": str(weights), "pixels": str(data), "options": options, "warm": row.warm}
        workers[system].ask(json.dumps(request))
    for _ in range(repeats):
        for system, worker in workers.items():
            seconds[system].append(worker.ask("go"))
    results, peaks = {}, {}
    for system, worker in workers.items():
        file = folder / f"{system}.npy"
        peaks[system] = worker.ask(f"result {file}")
        results[system] = np.load(file)
        worker.close()
    medians = {system: float(np.median(times)) for system, times in seconds.items()}
    return {
        "name": row.name,
        "task": row.task,
        "size": row.size,
        "ratio": medians["ours"] / medians["theirs"],
        "target": row.target,
        "repeats": repeats,
        "warm": row.warm,
        "theirs": theirs or {},
        "seconds": medians,
        "spread": {s: [float(np.min(t)), float(np.max(t))] for s, t in seconds.items()},
        "peak_MiB": peaks,
        **agreement(results["ours"], results["theirs"], row),
        "versions": {system: worker.versions for system, worker in workers.items()},
    }


def made(row):
    """Return the data of a row: pictures of noise, or codes in ten clouds."""
    rng = np.random.default_rng(0)
    if row.task == "tsne":
        return (
            4 * rng.standard_normal((10, row.shape[1]))[rng.integers(0, 10, row.shape[0])]
            + rng.standard_normal(row.shape)
        ).astype("float32")
    return rng.uniform(0, 255, row.shape).astype("float32")


def captum_batch(weights, folder, threads):
    """Return the number of windows per pass with which Captum's Occlusion is fastest here, of 49 windows."""
    row, data, best = windows(32), folder / "data.npy", {}
    np.save(data, made(row))
    for at_once in CAPTUM_BATCHES:
        worker = Worker("theirs", threads, {})
        options = {**row.options, "at_once": at_once}
        request = {"task": row.task, "weights": str(weights), "pixels": str(data), "options": options, "warm": False}
        worker.ask(json.dumps(request))
        best[at_once] = worker.ask("go")
        worker.close()
        print(f"Captum, {at_once} windows at once: {best[at_once]:.1f} s", flush=True)
    return min(best, key=best.get)


def agreement(ours, theirs, row):
    """Return how far the results differ, relative to the largest, and their cosine."""
    if row.task == "occlusion":
        theirs = per_window(theirs[0, 0], **row.options)[None]
    ours, theirs = ours.astype("float64"), theirs.astype("float64")
    if not theirs.any() or not ours.any():  # nothing to compare: said so, and not called equal
        return {"difference": None, "absolute": float(np.abs(ours - theirs).max()), "cosine": None}
    difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
    cosine = float((ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs))
    return {"difference": difference, "absolute": float(np.abs(ours - theirs).max()), "cosine": cosine}


def per_window(pixels, window, stride):
    """Undo Captum's averaging over windows: each of its pixels is the mean of the drops of all windows over it.

    Along the top left corner of each stride x stride cell a new window starts, so the drops follow one by one.
    """
    rows, columns = ((n - window) // stride + 1 for n in pixels.shape)
    drops = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            y, x = i * stride, j * stride
            over = [
                (a, b)
                for a in range(max(0, (y - window) // stride + 1), i + 1)
                for b in range(max(0, (x - window) // stride + 1), j + 1)
            ]
            others = sum(drops[a, b] for a, b in over if (a, b) != (i, j))
            drops[i, j] = pixels[y, x] * len(over) - others
    return drops


def start_up(python, repeats):
    """Return the seconds of `import minivis` and of `import numpy`, each in a fresh process."""
    seconds = {"import minivis": [], "import numpy": []}
    for _ in range(repeats):
        for statement, times in seconds.items():
            start = time.perf_counter()
            subprocess.run([python, "-c", statement], check=True)
            times.append(time.perf_counter() - start)
    medians = {statement: float(np.median(times)) for statement, times in seconds.items()}
    return {"seconds": medians, "ratio": medians["import minivis"] / medians["import numpy"], "target": 1.5}


def first_look(repeats):
    """Return the seconds until `minivis look` has its first picture on disk, and until its report is whole."""
    seconds = {"first picture": [], "whole report": []}
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            start = time.perf_counter()
            command = [sys.executable, "-m", "minivis", "look", "--out", f"{name}/report"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not any(Path(name).rglob("*.png")) and process.poll() is None:
                time.sleep(0.01)
            seconds["first picture"].append(time.perf_counter() - start)
            if process.wait():
                raise SystemExit("minivis look failed")
            seconds["whole report"].append(time.perf_counter() - start)
    return {"seconds": {what: float(np.median(times)) for what, times in seconds.items()}, "target": 3.0}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", help="rows whose name contains this")
    parser.add_argument("--scaling", action="store_true", help="the scaling curves too")
    parser.add_argument("--coretype", help="OPENBLAS_CORETYPE for minivis, for example SkylakeX")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "cpu.json")
    args = parser.parse_args()
    import minivis as mv
    from minivis.weights import save_weights

    environment = {"OPENBLAS_CORETYPE": args.coretype} if args.coretype else {}
    rows = [*ROWS, *(SCALING if args.scaling else [])]
    rows = [row for row in rows if not args.only or args.only in row.name]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vgg16 = mv.architecture("vgg16")
        weights = folder / "vgg16.h5"
        random = mv.initial_weights(vgg16, np.random.default_rng(0))
        save_weights(weights, random, attributes={"architecture": "vgg16"})
        del random
        at_once = {}
        if any(row.task == "occlusion" for row in rows):
            at_once = {"at_once": captum_batch(weights, folder, args.threads)}
        for row in rows:
            repeats = args.repeats if row.warm and row.task != "occlusion" else 1  # a minute each
            theirs = at_once if row.task == "occlusion" else {}
            found.append(measure(row, weights, folder, args.threads, repeats, environment, theirs))
            last = found[-1]
            print(
                f"{last['name']:<40} {last['seconds']['ours'] * 1e3:9.0f} {last['seconds']['theirs'] * 1e3:9.0f} ms  "
                f"ratio {last['ratio']:.2f}  cosine {last['cosine']}  difference {last['difference']}  "
                f"peak {last['peak_MiB']['ours']:.0f} / {last['peak_MiB']['theirs']:.0f} MiB",
                flush=True,
            )
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "threads": args.threads,
        "environment": environment,
        "rows": found,
        "start": start_up(sys.executable, 5),
        "look": first_look(3),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"import minivis / import numpy: {report['start']['ratio']:.2f}")


if __name__ == "__main__":
    main()
