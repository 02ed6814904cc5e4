"""The Planfix REST API as a dlt source: fetched page by page into a spool, loaded from there.

- settings: what the operator may set
- client: one place for HTTP, pacing, limits and errors
- api: the calls: paths, field names, answer keys
- zones: filter windows in the token owner's time zone
- spool: pages on disk, so that a killed run loses the page in flight and nothing else
- paging: walks a list so that no row is lost while the account changes
- profile: what is known about this account (the capability profile)
- preflight: finds it out
- extract: the order of work
- source: the dlt source that reads the spool
- command: the verbs of the command line
"""
