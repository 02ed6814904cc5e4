-- Fields that become rows of their own (messengers, consents, tags, legacy ids); those
-- that become a column are looked up in int_contacts__merged. Once per record and
-- field: where the API and an export both have the value, the newer of the two counts.

with

mapping as (

    select
        custom_field_id,
        lower({{ trimmed('target') }}) as target,
        lower({{ trimmed('channel') }}) as channel,
        lower({{ trimmed('purpose') }}) as purpose,
        {{ trimmed('source_system') }} as source_system,
        {{ trimmed('note') }} as note
    from {{ ref('custom_field_mapping') }}
    where
        object_type = 'contact'
        and lower({{ trimmed('target') }}) in (
            'messenger', 'consent', 'consent_opt_out', 'tag', 'legacy_id'
        )

),

api_values as not materialized (

    select
        planfix_id,
        custom_field_id,
        field_value,
        value_text,
        fetched_at
    from {{ ref('stg_planfix__contact_custom_fields') }}
    -- an array, not a join: known before the first record is unpacked
    where
        custom_field_id = any(array(select mapping.custom_field_id from mapping))
        and value_text is not null

),

csv_values as not materialized (

    select
        records.planfix_id,
        field.field_key::bigint as custom_field_id,
        field.value_text,
        records.observed_at
    from {{ ref('int_contacts__csv_merged') }} as records
    cross join
        lateral jsonb_each_text(records.custom_fields) as field (field_key, value_text)
    where
        field.field_key::bigint
        = any(array(select mapping.custom_field_id from mapping))

),

-- two halves instead of a full join, which PostgreSQL 15 cannot run on several cores;
-- put aside, or the planner, which takes the mapping for one row, unpacks all records
-- once per mapped field
chosen as materialized (

    select
        api_values.planfix_id,
        api_values.custom_field_id,
        case
            when csv_values.observed_at > api_values.fetched_at then 'csv'
            else 'api'
        end as source,
        case
            when csv_values.observed_at > api_values.fetched_at then null
            else api_values.field_value
        end as field_value,
        case
            when csv_values.observed_at > api_values.fetched_at
                then csv_values.value_text
            else api_values.value_text
        end as value_text,
        greatest(csv_values.observed_at, api_values.fetched_at) as observed_at
    from api_values
    left outer join csv_values
        on
            api_values.planfix_id = csv_values.planfix_id
            and api_values.custom_field_id = csv_values.custom_field_id

    union all

    select
        csv_values.planfix_id,
        csv_values.custom_field_id,
        'csv' as source,
        null as field_value,
        csv_values.value_text,
        csv_values.observed_at
    from csv_values
    left outer join {{ source('planfix_raw', 'contacts') }} as contacts
        on
            csv_values.planfix_id = contacts.id
            and contacts.{{ finished_loads('planfix_raw') }}
    where {{ trimmed(custom_field_text(
        "(contacts.custom_fields -> csv_values.custom_field_id::text -> 'value')",
        "(contacts.custom_fields -> csv_values.custom_field_id::text ->> 'stringValue')"
    )) }} is null

),

final as (

    select
        chosen.planfix_id,
        chosen.custom_field_id,
        mapping.target,
        mapping.channel,
        mapping.purpose,
        mapping.source_system,
        mapping.note,
        chosen.source,
        chosen.field_value,
        chosen.value_text,
        chosen.observed_at
    from chosen
    inner join mapping
        on chosen.custom_field_id = mapping.custom_field_id

)

select * from final
