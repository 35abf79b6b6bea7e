"""The tables, one module a family: how their rows are made from records, and records from their rows."""
