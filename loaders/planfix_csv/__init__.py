"""Exports of the Planfix UI (CSV, .xlsx) into schema `planfix_csv_raw`.

Data flow: folder of exports → every file is read once to the end (nothing is loaded when one of
them is not what it should be) → one row per file in `export_files`, per line in `export_rows`
(original headers, text untouched), per unreadable line in `rejected_lines`. A file that was loaded
before is recognised by its SHA-256 and skipped. What the headers mean is decided by dbt.

Setting: `PLANFIX_EXPORT_DIR`, or `--dir`. Run: `dlt pipeline planfix_csv run`.
"""
