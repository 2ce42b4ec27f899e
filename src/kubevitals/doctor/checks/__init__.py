"""What evidence means: one module for each hop, one function for each row of the catalogue. Pure."""
