"""Precomputed results of the Python functions, for servers that have no Python of their own.

Data flow: dbt builds the request models (tag `udf_requests`: one row per distinct argument list)
→ argument lists without a result are read → the files of `functions/` run over them on all cores
→ the answers go to `python_functions.<function>_results`, where the database functions of the
same names find them. Where the database runs Python itself there is nothing to do.

`dlt pipeline … run` ends with this step; by hand it is `dlt pipeline python_functions run`.
"""
