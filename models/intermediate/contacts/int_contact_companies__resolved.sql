-- Who works where. The API says it on the person (companies[]) or on the company
-- (contacts[]), an export by name. The newer of API and export that says anything
-- counts as a whole: an employer that was taken off a card must not come back from an
-- older file.

with

contacts as not materialized (

    select * from {{ ref('int_contacts__merged') }}

),

persons as not materialized (

    select
        planfix_id,
        csv_is_newer,
        custom_company_name
    from contacts
    where kind = 'person'

),

companies as (

    select
        planfix_id,
        full_name_text as company_name,
        country_text
    from contacts
    where kind = 'company'

),

api_links as (

    select * from {{ ref('stg_planfix__contact_companies') }}

),

records as (

    select * from {{ ref('int_contacts__csv_merged') }}

),

cells as (

    select * from {{ ref('int_company_cells__resolved') }}

),

-- the company's own list stands behind what the person itself says
named as (

    select
        case field when 'companies' then planfix_id else related_planfix_id end
            as planfix_id,
        case field when 'companies' then related_planfix_id else planfix_id end
            as company_planfix_id,
        case field when 'companies' then related_name end as company_name,
        field as source,
        case field when 'companies' then item_position else 1000 end as item_position
    from api_links
    where
        field = 'companies'
        or related_planfix_id is not null

),

-- an id without a card (deleted, hidden from the token) keeps its name only
from_api as (

    select
        named.planfix_id,
        companies.planfix_id as company_planfix_id,
        coalesce(companies.company_name, named.company_name) as company_name,
        named.source,
        named.item_position
    from named
    left outer join companies
        on named.company_planfix_id = companies.planfix_id

),

-- two cards bear the name in the file: the one that the API links this person to is
-- meant
api_names as (

    select
        planfix_id,
        {{ company_name_key('company_name') }} as name_key,
        min(company_planfix_id) as company_planfix_id
    from from_api
    where company_planfix_id is not null
    group by planfix_id, {{ company_name_key('company_name') }}

),

from_csv as (

    select
        records.planfix_id,
        coalesce(cells.company_planfix_id, api_names.company_planfix_id)
            as company_planfix_id,
        cells.company_name,
        'csv' as source,
        cells.name_position as item_position
    from records
    inner join cells
        on records.company = cells.cell
    left outer join api_names
        on
            records.planfix_id = api_names.planfix_id
            and cells.name_key = api_names.name_key

),

every_source as (

    select
        persons.planfix_id,
        from_api.company_planfix_id,
        from_api.company_name,
        from_api.source,
        from_api.item_position,
        1 as source_rank
    from from_api
    inner join persons
        on from_api.planfix_id = persons.planfix_id

    union all

    select
        persons.planfix_id,
        from_csv.company_planfix_id,
        from_csv.company_name,
        from_csv.source,
        from_csv.item_position,
        case when persons.csv_is_newer then 0 else 2 end as source_rank
    from from_csv
    inner join persons
        on from_csv.planfix_id = persons.planfix_id

    union all

    select
        planfix_id,
        null as company_planfix_id,
        custom_company_name as company_name,
        'custom_field' as source,
        1 as item_position,
        3 as source_rank
    from persons
    where custom_company_name is not null

),

ranked as (

    select
        *,
        coalesce(company_planfix_id::text, {{ company_name_key('company_name') }})
            as company_key,
        min(source_rank) over (partition by planfix_id) as best_source_rank
    from every_source
    where coalesce(company_planfix_id::text, company_name) is not null

),

-- one row per person and company: both lists of the API may name it
distinct_companies as (

    select distinct on (planfix_id, company_key)
        planfix_id,
        company_planfix_id,
        company_name,
        source,
        item_position,
        company_key
    from ranked
    where source_rank = best_source_rank
    order by planfix_id, company_key, item_position, source

),

numbered as (

    select
        planfix_id,
        row_number() over (
            partition by planfix_id
            order by item_position, company_key collate "C"
        )::int as company_position,
        company_planfix_id,
        company_name,
        source
    from distinct_companies

),

final as (

    select
        numbered.planfix_id,
        numbered.company_position,
        numbered.company_planfix_id,
        numbered.company_name,
        companies.country_text as company_country_text,
        numbered.source
    from numbered
    left outer join companies
        on numbered.company_planfix_id = companies.planfix_id

)

select * from final
