"""What a cluster uses, beside what it asked for: from any Metrics API to rows, totals and text."""
