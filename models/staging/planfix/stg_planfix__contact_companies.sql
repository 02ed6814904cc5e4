-- A person names its companies and a company its people; both lists say the same thing
-- and either may be the only one that does.
--
-- A table, unlike the rest of the layer: its reader needs all cards for a name that
-- changed on one of them, and a delta need not unpack all of them again.

{{
    config(
        materialized='table',
        post_hook="{{ analyze_table(this, 'table') }}"
    )
}}

with

source as (

    select
        id as planfix_id,
        {{ json_array("payload -> 'companies'") }} as companies,
        {{ json_array("payload -> 'contacts'") }} as contacts
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

listed as (

    select
        source.planfix_id,
        items.field,
        items.item_position,
        items.item
    from source
    cross join lateral (
        select
            'companies' as field,
            company.item_position,
            company.item
        from
            jsonb_array_elements(source.companies)
            with ordinality as company (item, item_position)

        union all

        select
            'contacts' as field,
            contact.item_position,
            contact.item
        from
            jsonb_array_elements(source.contacts)
            with ordinality as contact (item, item_position)
    ) as items

),

final as (

    select
        planfix_id,
        field,
        item_position::int as item_position,
        {{ source_id("item ->> 'id'") }} as related_planfix_id,
        {{ tidied("item ->> 'name'") }} as related_name
    from listed

)

select * from final
