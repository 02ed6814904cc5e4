"""Report for people: one HTML page per run, the summary of `make demo`, the mapping table.

Everything here only reads. The page has counts, keys and rule names, never a person's data, so
that it can be passed on.
"""
