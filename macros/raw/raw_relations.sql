{#- The raw tables and their columns as dlt creates them: schema → table → column → type. -#}
{% macro raw_relations() %}
    {%- set loads = {
        'load_id': 'character varying not null',
        'schema_name': 'character varying',
        'status': 'bigint not null',
        'inserted_at': 'timestamp with time zone not null',
        'schema_version_hash': 'character varying',
    } -%}
    {%- set dlt = {
        '_dlt_load_id': 'character varying not null',
        '_dlt_id': 'character varying not null',
    } -%}
    {%- set run = {'run_id': 'character varying'} -%}
    {%- set fetched = {'fetched_at': 'timestamp with time zone'} -%}
    {%- set payload = {'payload': 'jsonb'} -%}
    {%- set planfix_keys = {
        'contacts': {'id': 'bigint', 'is_company': 'boolean', 'custom_fields': 'jsonb'},
        'contact_details': {'id': 'bigint'},
        'contact_comments': {'id': 'bigint', 'contact_id': 'bigint'},
        'task_comments': {'id': 'bigint', 'task_id': 'bigint'},
        'users': {'id': 'bigint'},
        'contact_groups': {'id': 'bigint'},
        'contact_templates': {'id': 'bigint', 'is_company': 'boolean'},
        'custom_fields': {'id': 'bigint', 'object_type': 'bigint'},
        'data_tags': {'id': 'bigint'},
        'data_tag_entries': {
            'data_tag_id': 'bigint',
            'key': 'bigint',
            'contact_id': 'bigint',
            'task_id': 'bigint',
            'custom_fields': 'jsonb',
        },
        'tasks': {'id': 'bigint', 'counterparty_id': 'bigint', 'custom_fields': 'jsonb'},
        'directories': {'id': 'bigint'},
        'directory_entries': {'directory_id': 'bigint', 'key': 'bigint'},
    } -%}
    {%- set planfix = {'_dlt_loads': loads} -%}
    {%- for table, keys in planfix_keys.items() -%}
        {%- set columns = dict(keys, **run) -%}
        {%- do columns.update(fetched) -%}
        {%- do columns.update(payload) -%}
        {%- do columns.update(dlt) -%}
        {%- do planfix.update({table: columns}) -%}
    {%- endfor -%}
    {%- do planfix.update({
        'id_sweep': dict({
            'sweep_id': 'character varying',
            'id': 'bigint',
            'is_company': 'boolean',
            'updated_at': 'timestamp with time zone',
        }, **dict(run, **dlt)),
        'id_sweep_runs': dict({
            'sweep_id': 'character varying',
            'started_at': 'timestamp with time zone',
            'finished_at': 'timestamp with time zone',
            'is_complete': 'boolean',
            'ids_seen': 'bigint',
        }, **dict(run, **dlt)),
        'extract_runs': dict({
            'run_id': 'character varying',
            'mode': 'character varying',
            'started_at': 'timestamp with time zone',
            'finished_at': 'timestamp with time zone',
            'window_from': 'timestamp with time zone',
            'window_to': 'timestamp with time zone',
            'status': 'character varying',
            'requests_used': 'bigint',
            'requests_floor': 'bigint',
            'operator': 'character varying',
            'account': 'character varying',
        }, **dlt),
        'extract_audit': dict({
            'run_id': 'character varying',
            'object': 'character varying',
            'expected': 'bigint',
            'loaded': 'bigint',
            'difference': 'bigint',
            'verdict': 'character varying',
            'detail': 'character varying',
            'checked_at': 'timestamp with time zone',
        }, **dlt),
        'schema_changes': dict({
            'run_id': 'character varying',
            'field_id': 'bigint',
            'object_type': 'bigint',
            'change': 'character varying',
            'before': 'character varying',
            'after': 'character varying',
            'noticed_at': 'timestamp with time zone',
        }, **dlt),
    }) -%}
    {%- set planfix_csv = {
        '_dlt_loads': loads,
        'export_files': dict({
            'file_sha256': 'character varying',
            'file_name': 'character varying',
            'file_bytes': 'bigint',
            'format': 'character varying',
            'encoding': 'character varying',
            'delimiter': 'character varying',
            'header': 'jsonb',
            'row_count': 'bigint',
            'rejected_count': 'bigint',
            'file_modified_at': 'timestamp with time zone',
            'loaded_at': 'timestamp with time zone',
        }, **dict(run, **dlt)),
        'export_rows': dict({
            'file_sha256': 'character varying',
            'line_number': 'bigint',
            'row': 'jsonb',
        }, **dict(run, **dlt)),
        'rejected_lines': dict({
            'file_sha256': 'character varying',
            'file_name': 'character varying',
            'line_number': 'bigint',
            'reason_code': 'character varying',
            'message': 'character varying',
            'raw_line': 'character varying',
        }, **dict(run, **dlt)),
    } -%}
    {{- return({'planfix_raw': planfix, 'planfix_csv_raw': planfix_csv}) -}}
{% endmacro %}
