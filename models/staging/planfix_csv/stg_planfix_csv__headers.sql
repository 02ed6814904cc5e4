-- One list of headers per file; the same header may stand twice in a file, which the
-- loader writes as "Телефон (2)". Such a header falls back to the mapping of its plain
-- form, except for custom fields: two fields with one label are two fields, and only
-- their own row may map the second.

with

files as (

    select
        file_sha256,
        {{ json_array('header') }} as header
    from {{ source('planfix_csv_raw', 'export_files') }}
    where {{ finished_loads('planfix_csv_raw') }}

),

mapping as (

    select
        lower({{ tidied('header') }}) as header_key,
        -- `group` alone would have to be quoted in every model behind this one
        regexp_replace(lower({{ trimmed('field') }}), '^group$', 'group_name')
            as field,
        custom_field_id
    from {{ ref('csv_headers') }}

),

headers as (

    select
        files.file_sha256,
        headers.header_position::int as header_position,
        headers.header_text as header,
        lower({{ tidied('headers.header_text') }}) as header_key
    from files
    cross join
        lateral jsonb_array_elements_text(files.header)
        with ordinality as headers (header_text, header_position)

),

final as (

    select
        headers.file_sha256,
        headers.header_position,
        headers.header,
        headers.header_key,
        coalesce(own.field, plain_form.field) as field,
        coalesce(own.custom_field_id, plain_form.custom_field_id) as custom_field_id
    from headers
    left outer join mapping as own
        on headers.header_key = own.header_key
    left outer join mapping as plain_form
        on
            own.header_key is null
            and plain_form.field != 'custom'
            and regexp_replace(headers.header_key, ' \([0-9]+\)$', '')
            = plain_form.header_key

)

select * from final
