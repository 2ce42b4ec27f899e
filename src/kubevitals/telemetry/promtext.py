"""The Prometheus text format as Go writes it. Pure.

prometheus_client prints ``le="1.0"`` where Go prints ``le="1"``; queries that match a bucket exactly see two
different series, so the text is made here and the library only keeps the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf, isnan

from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"


def go_float(value: float) -> str:
    """Return a number as Go's ``strconv.FormatFloat(value, 'g', -1, 64)``: ``1``, ``0.005``, ``1.5e+06``."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(float(value)).removesuffix(".0")
    if "e" in text or -1e6 < value < 1e6:
        return text
    return _scientific(text)


def _scientific(text: str) -> str:
    """Rewrite plain decimal digits with an exponent, which Go uses from seven digits before the point on."""
    sign = "-" if text.startswith("-") else ""
    whole, _, part = text.removeprefix("-").partition(".")
    digits = (whole + part).rstrip("0")
    mantissa = f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
    return f"{sign}{mantissa}e+{len(whole) - 1:02d}"


def escape(value: str) -> str:
    """Escape a label value."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def header(name: str, kind: str, documentation: str) -> str:
    """Return the HELP and TYPE lines of a family."""
    return f"# HELP {name} {documentation}\n# TYPE {name} {kind}\n"


def family(metric: Metric) -> Iterator[str]:
    """Return the lines of a family that a collector gave; none when it has no samples, as in Go."""
    samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
    if not samples:
        return
    name = samples[0].name if metric.type == "counter" else metric.name
    yield header(name, metric.type, metric.documentation)
    for sample in samples:
        yield f"{sample.name}{_labels(sample.labels)} {go_float(sample.value)}\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    # the library hands over ``le`` as it would print it
    pairs = ((key, go_float(float(value)) if key == "le" else value) for key, value in labels.items())
    return "{" + ",".join(f'{key}="{escape(value)}"' for key, value in pairs) + "}"
