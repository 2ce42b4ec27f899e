"""kubevitals: a metrics server for Kubernetes that explains itself."""

from importlib.metadata import version

__version__ = version("kubevitals")
