"""Make README.md and the plot of the scaling curves from the measured JSON: ``python benchmarks/render.py``."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent

HEAD = """# Benchmarks

`python benchmarks/run.py --scaling` measures minivis against PyTorch (eager mode, channels first, as its users write
it) and Captum, each in a process of its own, with the same number of threads, taking turns. Medians; in brackets the
fastest and the slowest run. The ratio is what counts: below 1, minivis is ahead. Weights are random, the same on both
sides.

`difference` is the largest difference of the two results relative to the largest value, `cosine` their cosine. A
gradient in float32 jumps where rounding flips a ReLU or a max-pool's switch; with random weights, and pictures of
noise, that happens more often than on photographs.

Captum's Occlusion runs one full pass per window, 16 windows to a batch; its map is the mean over the windows on a
pixel, from which the drops of single windows are worked out for the comparison. Grad-CAM is written out by hand on
PyTorch's side: Captum's keeps negative values and enlarges by nearest neighbour.

Where the random network gives the class no probability under any window, all drops are 0 and there
is nothing to compare (a dash); that whole passes of both sides agree on trained networks is a test,
`tests/verify/test_against_torch.py`.
"""


def row_line(row):
    cells = []
    for system in ("ours", "theirs"):
        low, high = (1e3 * seconds for seconds in row["spread"][system])
        cells.append(f"{row['seconds'][system] * 1e3:.0f} ms ({low:.0f}-{high:.0f})")
    target = f"{row['target']:.2f}" if row["target"] else ""
    peaks = f"{row['peak_MiB']['ours']:.0f} / {row['peak_MiB']['theirs']:.0f}"
    agree = "- | -" if row["cosine"] is None else f"{row['difference']:.0e} | {row['cosine']:.6f}"
    return f"| {row['name']} | {cells[0]} | {cells[1]} | **{row['ratio']:.2f}** | {target} | {agree} | {peaks} |"


def section(path):
    report = json.loads(path.read_text())
    versions = report["rows"][0]["versions"]
    blas = "; ".join(versions["ours"]["blas"])
    start = report["start"]
    lines = [
        f"## {path.stem}",
        "",
        f"`{report['command']}`, {report['date']}, {report['threads']} threads of {report['machine']['cores']} cores, "
        f"{report['machine']['processor']}; minivis {versions['ours']['minivis']}, NumPy {versions['ours']['numpy']} "
        f"({blas}); PyTorch {versions['theirs']['torch']}, Captum {versions['theirs']['captum']}.",
        "",
        "| VGG16 | minivis | PyTorch | ratio | target | difference | cosine | peak MiB |",
        "|---|---|---|---|---|---|---|---|",
        *map(row_line, report["rows"]),
        "",
        f"`import minivis` takes {start['ratio']:.2f} times as long as `import numpy` (target {start['target']}).",
        "",
    ]
    return "\n".join(lines)


def plot(path, report):
    """Draw time against the size of the task, for each task that was measured at several sizes."""
    from matplotlib.figure import Figure

    tasks = {"gradient": "batch", "forward": "batch", "style_step": "side", "occlusion": "windows"}
    curves = {task: sorted(points) for task in tasks if len(points := points_of(report, task)) > 2}
    if not curves:
        return
    figure = Figure(figsize=(3.4 * len(curves), 3.2), layout="constrained")
    for axes, (task, points) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items(), strict=True):
        for k, name in enumerate(("minivis", "PyTorch"), start=1):
            axes.loglog([p[0] for p in points], [p[k] for p in points], "o-", label=name)
        axes.set(title=task.replace("_", " "), xlabel=tasks[task], ylabel="seconds")
        axes.legend()
    figure.savefig(path, dpi=110)


def points_of(report, task):
    return {
        (row["size"], row["seconds"]["ours"], row["seconds"]["theirs"]) for row in report["rows"] if row["task"] == task
    }


def main():
    results = sorted((HERE / "results").glob("cpu*.json"))
    text = [HEAD, *map(section, results)]
    for path in results:
        picture = HERE / "results" / f"{path.stem}.png"
        plot(picture, json.loads(path.read_text()))
        if picture.exists():
            text.append(f"![Time against size, {path.stem}](results/{picture.name})\n")
    (HERE / "README.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
