-- Headers differ from file to file, so each file gets its list of headers per field
-- first (a few rows), and a line then needs one look-up per field instead of being
-- turned into thirty rows and grouped again.

{% set other = ['number', 'created_at', 'updated_at'] %}
{% set multi = [
    'phone', 'email', 'telegram', 'whatsapp', 'viber', 'skype', 'facebook', 'instagram',
    'vk', 'description',
] %}

with

source as (

    select * from {{ source('planfix_csv_raw', 'export_rows') }}
    where {{ finished_loads('planfix_csv_raw') }}

),

headers as (

    select * from {{ ref('stg_planfix_csv__headers') }}

),

file_fields as (

    select
        file_sha256,
        {% for field in csv_fields() %}
            coalesce(
                array_agg(header order by header_position)
                filter (where field = '{{ field }}'),
                '{}'
            ) as {{ field }}_headers,
        {% endfor %}
        jsonb_object_agg(header, custom_field_id)
        filter (where field = 'custom' and custom_field_id is not null)
            as custom_headers
    from headers
    group by file_sha256

),

cells as (

    select
        source.file_sha256,
        source.line_number::int as line_number,
        {% for field in csv_fields() %}
            {{ csv_cell(field ~ '_headers') }} as {{ field }}_cell,
        {% endfor %}
        case
            when file_fields.custom_headers is not null then (
                select jsonb_object_agg(listed.custom_field_id, cell.cell_text)
                from
                    jsonb_each_text(file_fields.custom_headers)
                        as listed (header_text, custom_field_id)
                cross join
                    lateral (
                        {% set cell = '(source.row ->> listed.header_text)' %}
                        select {{ trimmed(_undo_entities(cell)) }}
                    ) as cell (cell_text)
                where cell.cell_text is not null
            )
        end as custom_fields,
        source.row,
        source.run_id,
        source._dlt_load_id
    from source
    -- a file without a list of headers keeps its lines: they lack a number and say so
    left outer join file_fields
        on source.file_sha256 = file_fields.file_sha256
    -- a fence: without it every use of a cell below would look it up anew
    offset null  -- noqa: AM09

),

tidied_cells as (

    select
        cells.*,
        translate(cells.number_cell, E' \u00a0\u202f\t''’', '') as number_text,
        {{ tidied('cells.created_at_cell') }} as created_at_text,
        {{ tidied('cells.updated_at_cell') }} as updated_at_text
    from cells
    offset null  -- noqa: AM09

),

final as (

    select
        -- ids
        file_sha256,
        line_number,
        -- "123.00", and above 999 possibly with separators: "1 234.00", "1,234.00",
        -- "1.234,00"
        case
            when number_text ~ '^([0-9]{1,3}([.,][0-9]{3})+|[0-9]{1,18})([.,]0{1,2})?$'
                then translate(
                    regexp_replace(number_text, '[.,]0{1,2}$', ''), '.,', ''
                )::bigint
        end as planfix_id,
        number_cell as number_text,

        -- text
        {% for field in csv_fields() if field not in other %}
            {% if field in multi %}
                {{ trimmed("replace(" ~ field ~ "_cell, '&nbsp;', ' ')") }}
                    as {{ field }},
            {% else %}
                {{ tidied(field ~ '_cell') }} as {{ field }},
            {% endif %}
        {% endfor %}
        custom_fields,
        (
            number_cell is null
            and not exists (
                select from jsonb_each_text(tidied_cells.row) as cell
                where {{ trimmed('cell.value') }} is not null
            )
        ) as is_blank,

        -- times
        created_at_text,
        {{ source_local_instant('created_at_text', setting('account_timezone')) }}
            as created_at,
        updated_at_text,
        {{ source_local_instant('updated_at_text', setting('account_timezone')) }}
            as updated_at,

        -- load
        run_id,
        _dlt_load_id as raw_load_id
    from tidied_cells

)

select * from final
