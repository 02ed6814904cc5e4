-- Each cell is parsed once, here; what is valid and what is not are two readings of
-- this table.

with

-- `not materialized`: a CTE that is read twice would be spooled once by one process,
-- and the scan behind it could not run on several cores
cells as not materialized (

    select * from {{ ref('int_contact_points__collected') }}

),

decisions as (

    select * from {{ ref('int_contact_points__decided') }}

),

phones as (

    select
        cells.planfix_id,
        cells.channel,
        cells.source,
        cells.source_position,
        parsed.part_position::int as part_position,
        (parsed.part ->> 'valid')::boolean as is_valid,
        parsed.part ->> 'e164' as value,
        coalesce(parsed.part ->> 'extension', '') as extension,
        coalesce(
            cells.label,
            case parsed.part ->> 'type' when 'mobile' then 'mobile' else 'other' end
        ) as label,
        parsed.part ->> 'country_code' as country_code,
        parsed.part ->> 'timezone' as timezone,
        parsed.part ->> 'e164' as match_key,
        parsed.part ->> 'reason' as reason_code,
        parsed.part ->> 'text' as raw_value,
        parsed.part ->> 'type' as number_type
    from cells
    {{ python_function_answers(
        'parse_phone', ['cells.raw_value', 'cells.region_code'], 'answers (parts)'
    ) }}
    cross join
        lateral jsonb_array_elements(answers.parts)
        with ordinality as parsed (part, part_position)
    where cells.channel = 'phone'

),

emails as (

    select
        cells.planfix_id,
        cells.channel,
        cells.source,
        cells.source_position,
        parsed.part_position::int as part_position,
        (parsed.part ->> 'valid')::boolean as is_valid,
        parsed.part ->> 'value' as value,
        '' as extension,
        'other' as label,
        null as country_code,
        null as timezone,
        parsed.part ->> 'match_key' as match_key,
        parsed.part ->> 'reason' as reason_code,
        parsed.part ->> 'text' as raw_value,
        null as number_type
    from cells
    {{ python_function_answers('parse_email', ['cells.raw_value'], 'answers (parts)') }}
    cross join
        lateral jsonb_array_elements(answers.parts)
        with ordinality as parsed (part, part_position)
    where cells.channel = 'email'

),

accounts as (

    select
        cells.planfix_id,
        coalesce(parsed.part ->> 'channel', cells.channel) as channel,
        cells.source,
        cells.source_position,
        1 as part_position,
        coalesce(
            (as_phone.parts -> 0 ->> 'valid')::boolean,
            (parsed.part ->> 'valid')::boolean
        ) as is_valid,
        coalesce(as_phone.parts -> 0 ->> 'e164', parsed.part ->> 'value') as value,
        '' as extension,
        'other' as label,
        null as country_code,
        null as timezone,
        coalesce(as_phone.parts -> 0 ->> 'e164', parsed.part ->> 'value') as match_key,
        coalesce(
            nullif(as_phone.parts -> 0 ->> 'reason', 'empty'), parsed.part ->> 'reason'
        ) as reason_code,
        cells.raw_value,
        null as number_type
    from cells
    {{ python_function_answers(
        'messenger_handle', ['cells.channel', 'cells.raw_value'], 'parsed (part)'
    ) }}
    -- a number without a country code is read in the record's region, as a phone is;
    -- they are few, so each is looked up by itself
    cross join
        lateral {{ function('parse_phone') }}(
            case
                when parsed.part ->> 'reason' = 'number_without_country'
                    then cells.raw_value
            end,
            cells.region_code
        ) as as_phone (parts)
    where cells.channel not in ('phone', 'email')

),

points as (

    select * from phones
    union all
    select * from emails
    union all
    select * from accounts

),

-- the key names record, channel and value without showing the value
keyed as (

    select
        *,
        planfix_id || ':' || channel || ':' || left(
            md5(
                case
                    when is_valid then value || '|' || extension
                    else lower(coalesce(raw_value, ''))
                end
            ),
            16
        ) as contact_point_key
    from points

),

final as (

    select
        -- an accepted text is a value now and gets the key of one, so that it meets its
        -- equals
        case
            when keyed.value is null and decisions.action = 'accept'
                then
                    keyed.planfix_id || ':' || keyed.channel || ':' || left(
                        md5(keyed.raw_value || '|' || keyed.extension), 16
                    )
            else keyed.contact_point_key
        end as contact_point_key,
        keyed.planfix_id,
        keyed.channel,
        -- "accept" takes the text as the person who decided has seen it
        coalesce(
            keyed.value, case decisions.action when 'accept' then keyed.raw_value end
        ) as value,
        keyed.extension,
        keyed.label,
        keyed.country_code,
        keyed.timezone,
        coalesce(
            keyed.match_key,
            case decisions.action when 'accept' then lower(keyed.raw_value) end
        ) as match_key,
        keyed.number_type,
        keyed.source,
        keyed.source_position,
        keyed.part_position,
        keyed.raw_value,
        coalesce(
            case decisions.action
                when 'accept' then true
                when 'drop' then false
                when 'correct' then false
            end,
            keyed.is_valid
        ) as is_valid,
        case
            when decisions.action = 'drop' then 'dropped_by_decision'
            when decisions.action = 'correct' then 'corrected_by_decision'
            else keyed.reason_code
        end as reason_code,
        decisions.action as decision
    from keyed
    left outer join decisions
        on keyed.contact_point_key = decisions.contact_point_key
    where
        keyed.is_valid
        or keyed.reason_code is distinct from 'empty'

)

select * from final
