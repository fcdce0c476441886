"""Make README.md and the plots from the measured JSON: ``python benchmarks/render.py``."""

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
TEXT = HERE / "text.md"  # what is said around the tables
NAMES = {"ours": "minivis", "theirs": "PyTorch", "in_jax": "JAX"}
CURVES = {  # task: (title, what it grows with, who is on the other side)
    "gradient": ("saliency, 224 x 224", "pictures in a batch", "PyTorch"),
    "forward": ("forward, 224 x 224", "pictures in a batch", "PyTorch"),
    "maps_gradient": ("gradient of the last maps", "side of the picture", "PyTorch"),
    "style_step": ("style step to relu4_1", "side of the picture", "PyTorch"),
    "occlusion": ("occlusion, window 32", "windows", "Captum"),
    "tsne": ("exact t-SNE, 300 iterations", "points", "scikit-learn"),
}


def milliseconds(row, system):
    if system not in row["seconds"]:
        return "| "
    times = row["all_seconds"][system]
    spread = f" ({1e3 * min(times):,.0f}-{1e3 * max(times):,.0f})" if len(times) > 1 else ""
    return f"| {1e3 * row['seconds'][system]:,.0f}{spread} "


def row_line(row):
    agree = row["agreement"]["theirs"]
    same = "- | -" if agree["cosine"] is None else f"{agree['difference']:.0e} | {agree['cosine']:.6f}"
    if row["task"] == "tsne":
        same = f"{agree['difference']:.0e} | -"  # of two numbers: the divergences
    target = f"{row['target']:g}" if row["target"] else ""
    jax = f"{row['ratio']['in_jax']:.2f}" if "in_jax" in row["ratio"] else ""
    peaks = f"{row['peak_MiB']['ours']:,.0f} / {row['peak_MiB']['theirs']:,.0f}"
    times = "".join(milliseconds(row, system) for system in ("ours", "theirs", "in_jax"))
    return f"| {row['name']} {times}| **{row['ratio']['theirs']:.2f}** | {target} | {jax} | {same} | {peaks} |"


def section(name, report):
    machine, versions = report["machine"], {}
    for row in report["rows"]:
        versions |= row["versions"]
    others = ", ".join(
        f"{name} {version}"
        for system in ("theirs", "in_jax")
        for name, version in versions.get(system, {}).items()
        if name not in ("threads", "devices")
    )
    environment = "".join(f", {name}={value}" for name, value in report["environment"].items())
    device = "" if report.get("device", "cpu") == "cpu" else f"{report['device']}; "
    lines = [
        f"## {name}",
        "",
        f"`{report['command']}`, {report['date']}: {device}{machine['processor']}, {report['threads']} threads of "
        f"{machine['cores']} cores{environment}; minivis {versions['ours']['minivis']}, NumPy "
        f"{versions['ours']['numpy']} ({'; '.join(versions['ours']['blas'])}); {others}.",
        "",
        "| | minivis, ms | the other, ms | JAX, ms | ratio | target | to JAX | difference | cosine | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *map(row_line, report["rows"]),
        "",
    ]
    if "start" in report:
        look = report["look"]["seconds"]
        lines += [
            f"`import minivis` takes {report['start']['ratio']:.2f} times as long as `import numpy` (target "
            f"{report['start']['target']}). `minivis look` has its first picture on disk after "
            f"{look['first picture']:.1f} s (target {report['look']['target']:.0f} s), its whole report after "
            f"{look['whole report']:.1f} s.",
            "",
        ]
    return lines


def profile(report):
    """Return where the time of one saliency goes, by block of the network."""
    blocks = {}
    for name, there, back in report["profile"]:
        kind = "".join(c for c in name if c.isalpha())
        block = name[len(kind)] if kind in ("conv", "relu", "pool") else ""
        key = {"conv": f"convolutions of block {block}", "relu": "ReLUs on the way back", "pool": "max-pools"}.get(kind)
        if name == "conv1_1":
            key = "conv1_1"
        if kind == "fc":
            key = "fc6 to fc8"
        old = blocks.get(key or "the rest", (0.0, 0.0))
        blocks[key or "the rest"] = (old[0] + there, old[1] + back)
    total = sum(map(sum, blocks.values()))
    lines = [
        "Where the time of one saliency goes (batch 1, medians, in milliseconds; a convolution forward has its ReLU in "
        "it):",
        "",
        "| | forward | back | share |",
        "|---|---|---|---|",
    ]
    for name, (there, back) in sorted(blocks.items(), key=lambda item: -sum(item[1])):
        lines.append(f"| {name} | {there:.1f} | {back:.1f} | {(there + back) / total:.0%} |")
    return [*lines, ""]


def curves_of(report):
    """Return (size, seconds by system) of each task that was measured at several sizes."""
    return {task: points for task in CURVES if len(points := points_of(report, task)) > 2}


def plot(path, curves):
    """Draw time against the size of each task."""
    from matplotlib.figure import Figure

    if not curves:
        return
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels[len(curves) :]:
        axes.remove()
    for axes, (task, points) in zip(panels, curves.items(), strict=False):
        title, unit, other = CURVES[task]
        for system, marker in (("ours", "o-"), ("theirs", "s-"), ("in_jax", "^:")):
            measured = [(size, seconds[system]) for size, seconds in points if system in seconds]
            if measured:
                name = other if system == "theirs" else NAMES[system]
                axes.loglog(*zip(*measured, strict=True), marker, label=name)
        ticks = [size for size, _ in points]
        axes.set(title=title, xlabel=unit, ylabel="seconds")
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def points_of(report, task):
    """Return (size, seconds by system), one for each size; of t-SNE the rows with as many iterations as the curve."""
    rows = [row for row in report["rows"] if row["task"] == task]
    if task == "tsne":
        rows = [row for row in rows if "300 iterations" in row["name"]]
    return sorted(((row["size"], row["seconds"]) for row in rows), key=lambda point: point[0])


def page():
    """Return README.md: what is said, and the tables."""
    head, tail = TEXT.read_text().split("<!-- tables -->\n")
    lines = [head.rstrip("\n"), ""]
    for path in sorted((HERE / "results").glob("*.json")):
        report = json.loads(path.read_text())
        lines += section(path.stem, report)
        if curves_of(report):
            lines += [f"![Time against size, {path.stem}](results/{path.stem}.png)", ""]
        if "profile" in report:
            lines += profile(report)
    return "\n".join([*lines, tail.strip("\n"), ""])


def main():
    for path in (HERE / "results").glob("*.json"):
        plot(path.with_suffix(".png"), curves_of(json.loads(path.read_text())))
    (HERE / "README.md").write_text(page())


if __name__ == "__main__":
    main()
