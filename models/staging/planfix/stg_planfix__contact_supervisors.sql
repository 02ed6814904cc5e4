with

source as (

    select
        id as planfix_id,
        {{ json_array("payload #> '{supervisors,users}'") }} as users,
        {{ json_array("payload #> '{supervisors,groups}'") }} as groups
    from {{ source('planfix_raw', 'contacts') }}
    where {{ finished_loads('planfix_raw') }}

),

listed as (

    select
        source.planfix_id,
        items.kind,
        items.item_position,
        items.item
    from source
    cross join lateral (
        select
            'user' as kind,
            employee.item_position,
            employee.item
        from
            jsonb_array_elements(source.users)
            with ordinality as employee (item, item_position)

        union all

        select
            'group' as kind,
            employees.item_position,
            employees.item
        from
            jsonb_array_elements(source.groups)
            with ordinality as employees (item, item_position)
    ) as items

),

final as (

    select
        planfix_id,
        -- a list of users may hold contacts too; the prefix of the id tells
        coalesce(substring(item ->> 'id' from '^([a-z]+):'), kind) as kind,
        item_position::int as item_position,
        {{ source_id("item ->> 'id'") }} as supervisor_id,
        {{ tidied("item ->> 'name'") }} as supervisor_name
    from listed

)

select * from final
