"""A double of the Planfix REST API and a generator of synthetic accounts with ground truth.

`python -m simulator serve` answers like a Planfix account on loopback, `export` writes the same
account as the CSV files of the Planfix user interface, `crm` fills the CRM's own users and orders.
Everything follows from a size and a seed. See `docs/simulator.md`.
"""
