{{ config(unlogged=false) }}

with

plan as (
    select * from {{ ref('publish_plan') }}
    where action = 'conflict'
),

first_seen as (
    {{ first_seen(this, 'conflict_key') }}
),

conflicts as (
    select
        *,
        concat_ws(':', table_name, row_key, coalesce(column_group, 'row'))
            as conflict_key
    from plan
),

final as (
    select
        conflicts.conflict_key,
        conflicts.table_name,
        conflicts.row_id,
        conflicts.customer_id,
        conflicts.source_record,
        conflicts.column_group,
        conflicts.changed_columns,
        conflicts.reason as reason_code,
        case conflicts.reason
            when 'removed_in_crm_changed_in_source'
                then 'The CRM deleted the row, and Planfix changed it since'
            when 'gone_from_source_edited_in_crm'
                then 'Planfix no longer has the row, and the CRM changed it'
            else
                'The CRM and Planfix both changed '
                || array_to_string(conflicts.changed_columns, ', ')
        end || '; what the CRM has stays until somebody decides.' as sentence,
        conflicts.before_values as crm_values,
        conflicts.after_values as source_values,
        'CRM managers' as owner,
        'dbt run-operation settle_conflict --args ''{conflict_key: "'
        || conflicts.conflict_key
        || '", verdict: crm or planfix, decided_by: …}''' as action,
        conflicts.group_position,
        conflicts.hashes_expected as crm_hashes,
        conflicts.hashes_to_write as source_hashes,
        coalesce(first_seen.first_seen_at, now()) as first_seen_at
    from conflicts
    left outer join first_seen on conflicts.conflict_key = first_seen.conflict_key
)

select * from final
