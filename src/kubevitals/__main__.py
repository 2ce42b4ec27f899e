"""``python -m kubevitals``."""

from kubevitals.cli import main

main()
