"""Growth as a picture: time by size, both logarithmic, with the fitted exponent."""

from collections.abc import Mapping
from pathlib import Path

from bench.measure import exponent


def plot(file: Path, curves: Mapping[str, Mapping[int, float]], title: str) -> str:
    """Write a PNG; returns its name, or why there is none (matplotlib is in the extra `bench`)."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return "none, matplotlib is not installed"
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        power = exponent([*points], [*points.values()])
        axes.loglog([*points], [*points.values()], marker="o", label=f"{name}: time ∝ events^{power:.2f}")
    axes.set(xlabel="events of history", ylabel="seconds", title=title)
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(file, dpi=120)
    return file.name
