with

source as (

    select * from {{ source('planfix_raw', 'contact_details') }}
    where {{ finished_loads('planfix_raw') }}

),

final as (

    select
        -- ids
        id as planfix_id,
        {{ source_id("payload #>> '{addedBy,id}'") }} as added_by_id,

        -- text
        {{ tidied("payload #>> '{addedBy,name}'") }} as added_by_name,
        coalesce(
            {{ trimmed("payload ->> 'communicationLanguageCode'") }},
            {{ trimmed("payload ->> 'languageCode'") }}
        ) as language_code,
        {{ trimmed("payload ->> 'timezone'") }} as timezone,

        -- references
        {{ json_array("payload -> 'dataTags'") }} as data_tags,

        -- times and load
        fetched_at,
        run_id,
        _dlt_load_id as raw_load_id
    from source

)

select * from final
