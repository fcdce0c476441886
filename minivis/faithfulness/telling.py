"""The tables of this package as text and as JSON."""

import math
from typing import Any

import numpy as np

from .cascade import STAYS, Cascade
from .table import MEASURES, Truth

BETTER = {"pointing": "high", "IoU": "high", "energy": "high", "deletion": "low", "insertion": "high"}


def truth_text(truth: Truth) -> str:
    """Return the table of methods by measures: mean ± standard error."""
    width = max(len(name) for name in truth.scores) + 2
    head = "".join(f"{f'{measure} ({BETTER[measure]})':>18}" for measure in MEASURES)
    lines = [
        f"{truth.net} on {truth.scenes} scenes, {truth.right} of them classified right and measured; mean ± standard "
        "error",
        f"the cause covers {truth.area:.1%} of a picture",
        "",
        f"{'':{width}}{head}",
    ]
    for name, scores in truth.scores.items():
        cells = (f"{scores[m].mean():.3f} ± {_standard_error(scores[m]):.3f}" for m in MEASURES)
        lines.append(f"{name:{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def truth_json(truth: Truth) -> dict[str, Any]:
    """Return the same for a JSON file, with the number of each scene."""
    methods = {
        name: {m: {"mean": float(s[m].mean()), "standard_error": _standard_error(s[m]), "each": s[m].tolist()}
               for m in MEASURES}
        for name, s in truth.scores.items()
    }  # fmt: skip
    return {
        "net": truth.net,
        "scenes": truth.scenes,
        "right": truth.right,
        "area": truth.area,
        "better": BETTER,
        "methods": methods,
    }


def cascade_text(cascade: Cascade) -> str:
    """Return three tables, methods by rows, and which methods are marked."""
    names = list(cascade.maps)
    width = max(len(name) for name in names) + 2
    wide = max(8, *(len(row) + 2 for row in cascade.rows))
    lines = []
    for field, about in (
        ("spearman_abs", "Spearman's rank correlation with the explanation as learnt, absolute values"),
        ("spearman", "the same, with signs"),
        ("ssim", "SSIM of the maps"),
    ):
        lines += [about, " " * width + "".join(f"{row:>{wide}}" for row in cascade.rows)]
        for name in names:
            values = [getattr(record, field) for record in cascade.of(name)]
            lines.append(f"{name:{width}}" + "".join(f"{value:>{wide}.3f}" for value in values))
        lines.append("")
    lines.append(f"the row at which |rank correlation| of absolute values falls below {STAYS}")
    for name in names:
        mark = "" if cascade.depends_on_weights(name) else "   hardly depends on what the upper half has learnt"
        lines.append(f"{name:{width}}{cascade.changes_at(name) or 'never':>{wide}}{mark}")
    return "\n".join(lines)


def cascade_json(cascade: Cascade) -> dict[str, Any]:
    """Return the same for a JSON file; null where there is no correlation."""
    records = [
        {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in r._asdict().items()}
        for r in cascade.records
    ]
    depends = {name: cascade.depends_on_weights(name) for name in cascade.maps}
    return {
        "rows": list(cascade.rows),
        "records": records,
        "threshold": STAYS,
        "changes_at": {name: cascade.changes_at(name) for name in cascade.maps},
        "depends_on_weights": depends,
    }


def _standard_error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
