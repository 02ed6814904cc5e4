-- The same record stands in a master file and in any number of segment files, exported
-- at different times: of each cell the newest one that is not empty counts. Among files
-- of one moment the master wins, then the file's hash decides, so that the result has
-- one answer.

{% set other = ['number', 'created_at', 'updated_at'] %}
{% set times = ['created_at', 'updated_at', 'created_at_text', 'updated_at_text'] %}
{% set fields = csv_fields() | reject('in', other) | list %}

with

lines as (

    select * from {{ ref('int_csv_lines__numbered') }}
    where planfix_id is not null

),

-- PostgreSQL sorts once for all aggregates that share an order (from 16 on); the sorted
-- input below serves 15 as well
sorted as (

    select
        *,
        row_number() over (
            partition by planfix_id
            order by
                file_modified_at desc nulls last,
                is_master desc,
                file_sha256 asc,
                line_number asc
        ) as recency
    from lines

),

-- nearly every record has one line or several equal ones: only the rest needs the
-- aggregates
newest as (

    select * from sorted
    where recency = 1

),

older as (

    select * from sorted
    where recency > 1

),

older_values as (

    select
        planfix_id,
        count(*) as line_count,
        {% for field in fields + times %}
            (
                array_agg({{ field }} order by recency)
                filter (where {{ field }} is not null)
            )[1] as {{ field }},
        {% endfor %}
        (array_agg(entity order by recency) filter (where entity != 'any'))[1] as entity
    from older
    group by planfix_id

),

-- one custom field after the other, the newest line that has it
older_custom_fields as (

    select
        planfix_id,
        jsonb_object_agg(field_key, field_value) as custom_fields
    from (
        select distinct on (older.planfix_id, field.field_key)
            older.planfix_id,
            field.field_key,
            field.field_value
        from older
        cross join
            lateral jsonb_each_text(older.custom_fields)
                as field (field_key, field_value)
        order by older.planfix_id, field.field_key, older.recency
    ) as newest_fields
    group by planfix_id

),

final as (

    select
        newest.planfix_id,
        newest.file_sha256,
        newest.file_name,
        newest.line_number,
        newest.raw_load_id,
        1 + coalesce(older_values.line_count, 0) as line_count,
        {% for field in fields + times %}
            coalesce(newest.{{ field }}, older_values.{{ field }}) as {{ field }},
        {% endfor %}
        case
            when older_custom_fields.custom_fields is null then newest.custom_fields
            else
                older_custom_fields.custom_fields
                || coalesce(newest.custom_fields, '{}')
        end as custom_fields,
        coalesce(nullif(newest.entity, 'any'), older_values.entity, 'any') as entity,
        newest.file_modified_at as observed_at
    from newest
    left outer join older_values
        on newest.planfix_id = older_values.planfix_id
    left outer join older_custom_fields
        on newest.planfix_id = older_custom_fields.planfix_id

)

select * from final
