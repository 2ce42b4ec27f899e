"""What is known: which objects exist (inventory), and what was last measured of them (points). Pure."""
