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
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

# name, task, picture (batch, side), options of ours, options of theirs, target ratio or None
ROWS = [
    ("saliency, batch 1", "gradient", (1, 224), {}, {}, 1.0),
    ("saliency, batch 8", "gradient", (8, 224), {}, {}, 0.85),
    ("forward, batch 1", "forward", (1, 224), {}, {}, None),
    ("Grad-CAM, batch 1", "grad_cam", (1, 224), {}, {}, None),
    ("style step to relu4_1, 384 x 384", "style_step", (1, 384), {}, {}, 1.0),
    ("occlusion, window 32, stride 16", "occlusion", (1, 224), {"window": 32, "stride": 16}, {}, 0.2),
]
SCALING = [
    *((f"saliency, batch {n}", "gradient", (n, 224), {}, {}, None) for n in (1, 2, 4)),
    *((f"forward, batch {n}", "forward", (n, 224), {}, {}, None) for n in (2, 4)),
    *((f"style step, {s} x {s}", "style_step", (1, s), {}, {}, None) for s in (128, 256, 512)),
    *(
        (f"occlusion, window 32, stride {s}", "occlusion", (1, 224), {"window": 32, "stride": s}, {}, None)
        for s in (64, 32, 16)
    ),
]


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


def measure(row, weights, folder, threads, repeats, environment):
    name, task, (batch, side), ours, theirs, target = row
    pixels = folder / "pixels.npy"
    np.save(pixels, np.random.default_rng(0).uniform(0, 255, (batch, side, side, 3)).astype("float32"))
    workers = {"ours": Worker("ours", threads, environment), "theirs": Worker("theirs", threads, {})}
    seconds = {system: [] for system in workers}
    for system, options in (("ours", ours), ("theirs", {**ours, **theirs})):
        request = {"task": task, "weights": str(weights), "pixels": str(pixels), "options": options}
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
        "name": name,
        "task": task,
        "size": size_of(task, batch, side, ours),
        "ratio": medians["ours"] / medians["theirs"],
        "target": target,
        "seconds": medians,
        "spread": {s: [float(np.min(t)), float(np.max(t))] for s, t in seconds.items()},
        "peak_MiB": peaks,
        **agreement(results["ours"], results["theirs"], task, ours),
        "versions": {system: worker.versions for system, worker in workers.items()},
    }


def size_of(task, batch, side, options):
    """Return what the cost of a task grows with."""
    if task == "occlusion":
        return ((side - options["window"]) // options["stride"] + 1) ** 2
    return side if task == "style_step" else batch


def agreement(ours, theirs, task, options):
    """Return how far the results differ, relative to the largest, and their cosine."""
    if task == "occlusion":
        theirs = per_window(theirs[0, 0], **options)[None]
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
    rows = [row for row in rows if not args.only or args.only in row[0]]
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vgg16 = mv.architecture("vgg16")
        weights = folder / "vgg16.h5"
        random = mv.initial_weights(vgg16, np.random.default_rng(0))
        save_weights(weights, random, attributes={"architecture": "vgg16"})
        del random
        for row in rows:
            repeats = max(1, args.repeats // 3) if row[1] == "occlusion" else args.repeats  # a minute each
            found.append(measure(row, weights, folder, args.threads, repeats, environment))
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
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"import minivis / import numpy: {report['start']['ratio']:.2f}")


if __name__ == "__main__":
    main()
