"""Measure minivis beside PyTorch, Captum, scikit-learn and, where it is installed, JAX: ``python benchmarks/run.py``.

Each system runs in a process of its own with the same number of threads, and they take turns, so that whatever else the
machine does disturbs all of them. The numbers that matter are the ratios. Weights are random: speed does not depend on
them, and all read the same file.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from rows import GPU_ROWS, ROWS, SCALING, per_window, windows  # noqa: E402

CAPTUM_BATCHES = (4, 8, 16, 32, 64)
PAUSE = 0.3  # seconds between turns: threads that wait for more work by spinning must not take the other's cores
BYTE_CODE = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # imports as a user has them


class Worker:
    """A system in its process."""

    def __init__(self, system, threads, device, environment):
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, str(threads)), **environment}
        command = [sys.executable, str(HERE / "worker.py"), system, str(threads), device]
        self.process = subprocess.Popen(
            command, env=env, cwd=HERE, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.versions, self.tasks = self._read()

    def prepare(self, row, weights, data, options, warm):
        request = {"task": row.task, "weights": str(weights), "data": str(data), "options": options, "warm": warm}
        self.ask(json.dumps(request))

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


class Bench:
    """What all measurements share."""

    def __init__(self, folder, threads, device, repeats, environment, systems):
        self.folder, self.threads, self.device, self.repeats = folder, threads, device, repeats
        self.environment, self.systems = environment, systems
        self.weights = random_weights(folder)

    def worker(self, system):
        return Worker(system, self.threads, self.device, self.environment)

    def measure(self, row, theirs):
        """Let all systems do `row` in turns, and compare times and results; `theirs` are options of PyTorch's side."""
        data = self.folder / "data.npy"
        np.save(data, row.data())
        workers = {}
        for name in self.systems:
            worker = self.worker(name)
            if row.task not in worker.tasks:
                worker.close()
                continue
            workers[name] = worker
            worker.prepare(row, self.weights, data, {**row.options, **(theirs if name == "theirs" else {})}, row.warm)
        seconds = {name: [] for name in workers}
        for _ in range(row.repeats or self.repeats):
            for name, worker in workers.items():
                time.sleep(PAUSE)
                seconds[name].append(worker.ask("go"))
        peaks, results = {}, {}
        for name, worker in workers.items():
            peaks[name] = worker.ask(f"result {self.folder / name}.npy")
            results[name] = np.load(self.folder / f"{name}.npy")
            worker.close()
        medians = {name: float(np.median(times)) for name, times in seconds.items()}
        others = [name for name in workers if name != "ours"]
        return {
            "name": row.name,
            "task": row.task,
            "size": row.size,
            "target": (row.other_target or row.target) if "OPENBLAS_CORETYPE" in self.environment else row.target,
            "theirs": theirs,
            "seconds": medians,
            "all_seconds": seconds,
            "ratio": {name: medians["ours"] / medians[name] for name in others},
            "agreement": {name: agreement(results["ours"], results[name], row) for name in others},
            "peak_MiB": peaks,
            "versions": {name: worker.versions for name, worker in workers.items()},
        }

    def captum_batch(self):
        """Return with how many windows per pass Captum's Occlusion is fastest here, of 49 windows."""
        row, best = windows(32), {}
        data = self.folder / "data.npy"
        np.save(data, row.data())
        for at_once in CAPTUM_BATCHES:
            worker = self.worker("theirs")
            worker.prepare(row, self.weights, data, {**row.options, "at_once": at_once}, False)
            best[at_once] = min(worker.ask("go") for _ in range(2))
            worker.close()
            print(f"Captum, {at_once} windows at once: {best[at_once]:.1f} s", flush=True)
        return min(best, key=best.get)

    def profile(self):
        """Return [row of the network, milliseconds forward, milliseconds back] of one saliency, the medians of many."""
        data = self.folder / "data.npy"
        np.save(data, ROWS[0].data())
        worker = self.worker("ours")
        worker.prepare(ROWS[0]._replace(task="profile"), self.weights, data, {}, False)
        worker.ask("go")
        worker.ask(f"result {self.folder / 'profile'}.npy")
        worker.close()
        found = np.load(self.folder / "profile.npy")
        return [[str(name), float(there), float(back)] for name, there, back in found]


def random_weights(folder):
    """Return a file with random weights of VGG16."""
    import minivis as mv
    from minivis.weights import save_weights

    path = folder / "vgg16.h5"
    weights = mv.initial_weights(mv.architecture("vgg16"), np.random.default_rng(0))
    save_weights(path, weights, attributes={"architecture": "vgg16"})
    return path


def agreement(ours, theirs, row):
    """Return how far the results differ, relative to the largest, and their cosine."""
    if row.task == "occlusion":
        theirs = per_window(theirs[0, 0], **row.options)[None]
    if row.task == "tsne":  # divergences from several starts: their medians are what can be compared
        ours, theirs = (np.median(d, keepdims=True) for d in (ours, theirs))
    ours, theirs = ours.astype("float64"), theirs.astype("float64")
    absolute = float(np.abs(ours - theirs).max())
    if not theirs.any() or not ours.any():  # nothing to compare: said so, and not called equal
        return {"difference": None, "absolute": absolute, "cosine": None}
    cosine = float((ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs))
    return {"difference": absolute / float(np.abs(theirs).max()), "absolute": absolute, "cosine": cosine}


def start_up(repeats):
    """Return the seconds of `import minivis` and of `import numpy`, each in a fresh process, byte code compiled."""
    seconds = {"import minivis": [], "import numpy": []}
    for turn in range(repeats + 1):
        for statement, times in seconds.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, env=BYTE_CODE)
            if turn:  # the first one compiles
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
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=BYTE_CODE)
            while not any(Path(name).rglob("*.png")) and process.poll() is None:
                time.sleep(0.01)
            seconds["first picture"].append(time.perf_counter() - start)
            if process.wait():
                raise SystemExit("minivis look failed")
            seconds["whole report"].append(time.perf_counter() - start)
    return {"seconds": {what: float(np.median(times)) for what, times in seconds.items()}, "target": 3.0}


def processor():
    """Return the processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def graphics_card():
    """Return the GPU's name."""
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()


def told(found):
    """Return one line about a measured row."""
    parts = [f"{found['name']:<44} {found['seconds']['ours'] * 1e3:8.0f} ms"]
    for name, ratio in found["ratio"].items():
        agree = found["agreement"][name]
        parts.append(
            f"{name} {found['seconds'][name] * 1e3:8.0f} ms, ratio {ratio:.2f}, "
            f"difference {agree['difference']}, cosine {agree['cosine']}"
        )
    return " | ".join(parts) + f" | peaks { ({k: round(v) for k, v in found['peak_MiB'].items()}) }"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", help="rows whose name contains this")
    parser.add_argument("--scaling", action="store_true", help="the scaling curves too")
    parser.add_argument("--coretype", help="OPENBLAS_CORETYPE (minivis' and scikit-learn's), for example Haswell")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="gpu: CuPy beside PyTorch with cuDNN")
    parser.add_argument("--tf32", action="store_true", help="on a GPU, let both sides multiply in TF32")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch with memory_format=torch.channels_last")
    parser.add_argument("--out", type=Path, help="default: results/cpu.json, gpu.json or gpu-tf32.json")
    args = parser.parse_args()
    environment = {"OPENBLAS_CORETYPE": args.coretype} if args.coretype else {}
    if args.channels_last:
        environment["PYTORCH_MEMORY_FORMAT"] = "channels_last"
    if args.device == "gpu":
        environment["CUPY_TF32"] = str(int(args.tf32))
    args.out = args.out or HERE / "results" / f"{args.device}{'-tf32' if args.tf32 else ''}.json"
    systems = ["ours", "theirs", *(["in_jax"] if find_spec("jax") and args.device == "cpu" else [])]
    rows = GPU_ROWS if args.device == "gpu" else [*ROWS, *(SCALING if args.scaling else [])]
    rows = [row for row in rows if not args.only or args.only in row.name]
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "command": " ".join(["python", "benchmarks/run.py", *sys.argv[1:]]),
        "machine": {"processor": processor(), "cores": os.cpu_count(), "python": platform.python_version()},
        "threads": args.threads,
        "device": graphics_card() if args.device == "gpu" else "cpu",
        "environment": {**environment, **{k: v for k, v in os.environ.items() if k.startswith("OPENBLAS_")}},
        "rows": [],
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), args.threads, args.device, args.repeats, environment, systems)
        occludes = any(row.task == "occlusion" for row in rows)
        at_once = {"at_once": bench.captum_batch()} if occludes else {}
        for row in rows:
            found = bench.measure(row, at_once if row.task == "occlusion" else {})
            report["rows"].append(found)
            print(told(found), flush=True)
            args.out.write_text(json.dumps(report, indent=1) + "\n")  # what is done is kept
        if args.device == "cpu":
            report["profile"] = bench.profile()
    if args.device == "cpu":
        report["start"], report["look"] = start_up(9), first_look(3)
        print(f"import minivis / import numpy: {report['start']['ratio']:.2f}; look: {report['look']['seconds']}")
    args.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
