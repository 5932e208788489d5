"""The migrations of the schema, run from code."""
