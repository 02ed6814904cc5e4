{#-
    What is published, and how it is compared. Per target table:

    columns   all columns we write, in the order of the target
    groups    columns that are judged together; compared groups in a FIXED order (the baseline
              keeps one hash per group by position): add new groups at the end only
    natural   the columns that make a row the same row for a person, whatever its id
    row_key   how a ready row and its baseline find each other
    row_id    how a baseline and its live row find each other
    stamps    audit columns that the publisher fills: {column: (on insert, on update)}

    A new target column is one word here, one in the ready model and one in live_tables_ddl.
-#}
{% macro publish_tables() %}
    {%- set operator = "publisher.operator" -%}
    {%- set run = "publisher.run_id" -%}
    {{- return({
        'customers': {
            'columns': [
                'id', 'tenant_id', 'kind', 'display_name', 'given_name', 'family_name',
                'middle_name', 'company_name', 'company_id', 'position', 'website', 'address',
                'city', 'country_code', 'language', 'timezone', 'birth_date', 'gender',
                'owner_user_id', 'incomplete_profile', 'status', 'merged_into_id',
                'source_created_at', 'source_updated_at', 'created_at', 'updated_at',
            ],
            'groups': {
                'status': ['status', 'merged_into_id'],
                'kind': ['tenant_id', 'kind'],
                'name': ['display_name', 'given_name', 'family_name', 'middle_name'],
                'employer': ['company_name', 'company_id', 'position'],
                'website': ['website'],
                'address': ['address', 'city', 'country_code'],
                'locale': ['language', 'timezone'],
                'person': ['birth_date', 'gender'],
                'owner': ['owner_user_id'],
                'profile': ['incomplete_profile'],
                'source': ['source_created_at', 'source_updated_at'],
            },
            'natural': ['id'],
            'row_key': 'id',
            'row_id': 'id',
            'stamps': {'created_at': ('now()', none), 'updated_at': ('now()', 'now()')},
        },
        'customer_contacts': {
            'columns': [
                'id', 'customer_id', 'channel', 'value', 'extension', 'label',
                'country_code', 'is_primary', 'created_at', 'updated_at',
            ],
            'groups': {
                'value': ['customer_id', 'channel', 'value', 'extension'],
                'details': ['label', 'country_code'],
                'primary': ['is_primary'],
            },
            'natural': ['customer_id', 'channel', 'value', 'extension'],
            'row_key': 'id',
            'row_id': 'id',
            'stamps': {'created_at': ('now()', none), 'updated_at': ('now()', 'now()')},
        },
        'customer_tags': {
            'columns': ['customer_id', 'tag', 'kind'],
            'groups': {'tag': ['customer_id', 'kind', 'tag']},
            'natural': ['customer_id', 'kind', 'tag'],
            'row_key': none,
            'row_id': none,
            'stamps': {},
        },
        'customer_notes': {
            'columns': [
                'id', 'customer_id', 'body', 'is_truncated', 'author_user_id',
                'author_name', 'noted_at', 'kind',
            ],
            'groups': {
                'customer': ['customer_id'],
                'text': ['body', 'is_truncated', 'kind'],
                'author': ['author_user_id', 'author_name', 'noted_at'],
            },
            'natural': ['id'],
            'row_key': 'id',
            'row_id': 'id',
            'stamps': {},
        },
        'customer_consents': {
            'columns': [
                'id', 'customer_id', 'channel', 'purpose', 'status', 'source', 'evidence',
                'captured_at',
            ],
            'groups': {
                'consent': [
                    'customer_id', 'channel', 'purpose', 'status', 'source', 'evidence',
                    'captured_at',
                ],
            },
            'natural': ['customer_id', 'channel', 'purpose'],
            'row_key': 'id',
            'row_id': 'id',
            'stamps': {},
        },
        'customer_external_links': {
            'columns': [
                'id', 'customer_id', 'source_system', 'entity_type', 'external_id', 'url',
                'match_rule', 'source_updated_at', 'first_migrated_at', 'migrated_at',
                'migrated_by', 'run_id',
            ],
            'groups': {
                'customer': ['customer_id'],
                'record': ['source_system', 'entity_type', 'external_id'],
                'source': ['url', 'match_rule', 'source_updated_at'],
            },
            'natural': ['source_system', 'entity_type', 'external_id'],
            'row_key': none,
            'row_id': 'id',
            'stamps': {
                'first_migrated_at': ('now()', none),
                'migrated_at': ('now()', 'now()'),
                'migrated_by': (operator, operator),
                'run_id': (run, run),
            },
        },
    }) -}}
{% endmacro %}
