"""Plug-in of dlt's command line (placeholder until the pipelines register)."""
