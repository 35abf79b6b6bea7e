"""The DuckDB query model of every journal. Nothing else in the product knows SQL."""
