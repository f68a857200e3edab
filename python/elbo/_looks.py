"""How a run looks in a session and in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._run import Run


def key_figures(run: Run) -> dict[str, Any]:
    """What it is and the loss of its best epoch."""
    facts = run.facts
    figures: dict[str, Any] = {
        "model": facts.get("model"),
        "data": facts["data"]["source"],
        "rows": facts.get("rows"),
        "parameters": run.parameters,
        "code": run.code_size,
    }
    best = [line for line in run.log if line.get("best")]
    if best:
        part = "validation" if "validation" in best[-1] else "train"
        figures["epoch"] = best[-1].get("epoch")
        figures[f"{part} loss"] = f"{best[-1][part]['loss']:.6g}"
    return figures


def as_text(run: Run) -> str:
    figures = ", ".join(f"{name} {value}" for name, value in key_figures(run).items())
    return f"<elbo.Run {run.path}: {figures}>"


def as_html(run: Run) -> str:
    rows = "".join(
        f"<tr><th style='text-align:left'>{html.escape(str(name))}</th>"
        f"<td>{html.escape(str(value))}</td></tr>"
        for name, value in {"run": run.path, **key_figures(run)}.items()
    )
    return f"<table>{rows}</table>"
