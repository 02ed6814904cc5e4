"""Loaders and command-line edges of the migration: they move data, dbt decides."""
