-- Read three times behind this (records, segments, quarantine), so the lines are kept.

{% set other = ['number', 'created_at', 'updated_at'] %}

with

records as (

    select * from {{ ref('stg_planfix_csv__records') }}

),

files as (

    select * from {{ ref('int_csv_files__classified') }}

),

final as (

    select
        -- ids
        records.file_sha256,
        records.line_number,
        records.planfix_id,
        records.number_text,

        -- text
        {% for field in csv_fields() if field not in other %}
            records.{{ field }},
        {% endfor %}
        records.custom_fields,
        records.is_blank,

        -- times
        records.created_at_text,
        records.created_at,
        records.updated_at_text,
        records.updated_at,

        -- what the file is
        files.file_name,
        files.file_modified_at,
        files.segment,
        files.entity,
        files.is_master,
        files.is_latest_version,

        -- load
        records.run_id,
        records.raw_load_id
    from records
    inner join files
        on records.file_sha256 = files.file_sha256

)

select * from final
