"""Review desk: a small web application for the people who settle doubtful cases and sign.

It listens on this machine only, lets in who has the one-time link it prints, and writes nothing but
decision rows (append-only, each with who and when) and answers in the mapping files; the next
`dbt build` reads both. Text from the source is hostile and is only ever shown as text.

Run it as `python -m desk`.
"""
