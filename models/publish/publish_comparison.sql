-- sqlfluff:indentation:template_blocks_indent:False
{{
    config(
        indexes=[
            {'columns': ['row_key', 'table_name'], 'unique': true},
        ],
        pre_hook="set local min_parallel_table_scan_size = 0"
    )
}}
{#- Of two sides that are joined in full all cores look at both or one does it all, and
    in a first load the baseline is too small to be worth it. -#}

-- depends_on: {{ ref('customers') }}
-- depends_on: {{ ref('customer_contacts') }}
-- depends_on: {{ ref('customer_tags') }}
-- depends_on: {{ ref('customer_notes') }}
-- depends_on: {{ ref('customer_consents') }}
-- depends_on: {{ ref('customer_external_links') }}

{%- set tables = publish_tables() %}
{%- set merged_hash = values_hash(["'merged'", 'gone_customers.merged_into_id']) %}
{%- set archived_hash = values_hash(["'archived'", 'null']) %}

with

identities as not materialized (
    select * from {{ ref('int_identity__customers') }}
),

published_rows as not materialized (
    select * from {{ state_relation('published_rows') }}
),

removed_customers as not materialized (
    select * from {{ ref('publish_removed_customers') }}
),

kept_primaries as not materialized (
    select * from {{ ref('publish_kept_primaries') }}
),

-- status and survivor of the customers that have no ready row of their own
gone_customers as not materialized (
    select
        published_rows.customer_id,
        case
            when identities.status = 'merged' and removed_customers.customer_id is null
                then identities.merged_into_id
        end as merged_into_id
    from published_rows
    left outer join {{ ref('customers') }} as ready_customers
        on published_rows.row_key = ready_customers.id
    left outer join identities on published_rows.customer_id = identities.customer_id
    left outer join removed_customers
        on identities.merged_into_id = removed_customers.customer_id
    where
        published_rows.table_name = 'customers'
        and (
            ready_customers.id is null
            or coalesce(identities.status, 'active') <> 'active'
        )
),

customers_image as not materialized (
    select
        {%- for column in tables['customers']['columns']
            if column not in tables['customers']['stamps'] and column != 'company_id' %}
        ready.{{ column }},
        {%- endfor %}
        ready.id as customer_id,
        case when removed_customers.customer_id is null then ready.company_id end
            as company_id,
        case
            when removed_customers.customer_id is not null
                then '{"company_id": null}'::jsonb
        end as overrides
    from {{ ref('customers') }} as ready
    left outer join removed_customers
        on ready.company_id = removed_customers.customer_id
    left outer join identities on ready.id = identities.customer_id
    where coalesce(identities.status, 'active') = 'active'
),

customer_contacts_image as not materialized (
    select
        {%- for column in tables['customer_contacts']['columns']
            if column not in tables['customer_contacts']['stamps']
            and column != 'is_primary' %}
        ready.{{ column }},
        {%- endfor %}
        ready.is_primary and kept_primaries.id is null as is_primary,
        case
            when ready.is_primary and kept_primaries.id is not null
                then '{"is_primary": false}'::jsonb
        end as overrides
    from {{ ref('customer_contacts') }} as ready
    left outer join kept_primaries
        on
            ready.customer_id = kept_primaries.customer_id
            and ready.channel = kept_primaries.channel
            and ready.id <> kept_primaries.id
            and ready.is_primary
),

{%- for table in ['customer_tags', 'customer_notes', 'customer_consents',
    'customer_external_links'] %}

{{ table }}_image as not materialized (
    select
        ready.*,
        null::jsonb as overrides
    from {{ ref(table) }} as ready
),
{%- endfor %}

{%- for table, spec in tables.items() %}

{{ table }}_known as not materialized (
    select
        row_key,
        row_id,
        customer_id,
        -- groups that were added after the row was written count as never written
        group_hashes
        || ({{ unwritten_hashes(table) }})[cardinality(group_hashes) + 1:]
            as group_hashes
    from published_rows
    where table_name = '{{ table }}'
),

{{ table }}_live as not materialized (
    select
        {{ row_id(table, 'live') }} as row_id,
        {{ group_hashes(table, 'live') }} as group_hashes
    from {{ live_relation(table) }} as live
),

{{ table }}_named as not materialized (
    select
        {% for column in spec['natural'] %}
        {%- if column == 'extension' -%}
        coalesce(live.extension, '') as natural_extension,
        {% else -%}
        live.{{ column }} as natural_{{ column }},
        {% endif %}
        {%- endfor -%}
        {{ row_id(table, 'live') }} as row_id,
        live.*
    from {{ live_relation(table) }} as live
),

{{ table }}_ready as not materialized (
    select
        {{ row_key(table, 'image') }} as row_key,
        {{ row_id(table, 'image') }} as row_id,
        image.customer_id,
        {% for column in spec['natural'] -%}
        image.{{ column }} as natural_{{ column }},
        {% endfor -%}
        image.overrides,
        {{ group_hashes(table, 'image') }} as group_hashes
    from {{ table }}_image as image
),

-- nearly all rows of a later run are the same on all sides. They end here, each in
-- the process that compared it; publish_plan_summary counts them
{{ table }}_differing as not materialized (
    select
        coalesce(ready.row_key, known.row_key) as row_key,
        known.row_id as known_row_id,
        ready.row_id as ready_row_id,
        ready.customer_id as ready_customer_id,
        known.customer_id as known_customer_id,
        ready.group_hashes as ready_hashes,
        known.group_hashes as known_hashes,
        live.group_hashes as live_hashes,
        {%- for column in spec['natural'] %}
        ready.natural_{{ column }},
        {%- endfor %}
        ready.overrides
    from {{ table }}_ready as ready
    full outer join {{ table }}_known as known on ready.row_key = known.row_key
    left outer join {{ table }}_live as live on known.row_id = live.row_id
    left outer join removed_customers
        on ready.customer_id = removed_customers.customer_id
    where
        ready.group_hashes is distinct from known.group_hashes
        or live.group_hashes is distinct from known.group_hashes
        or removed_customers.customer_id is not null
    -- a fence: what is joined next is joined to these rows only (see grouped)
    offset null  -- noqa: AM09
),

{{ table }}_compared as not materialized (
    select
        '{{ table }}' as table_name,
        differing.row_key,
        coalesce(differing.known_row_id, namesake.row_id, differing.ready_row_id)
            as row_id,
        coalesce(differing.ready_customer_id, differing.known_customer_id)
            as customer_id,
        differing.known_customer_id,
        differing.ready_hashes,
        differing.known_hashes,
        case
            when namesake.row_id is not null
                then {{ group_hashes(table, 'namesake') }}
            else differing.live_hashes
        end as live_hashes,
        differing.overrides,
        namesake.row_id is not null as has_namesake,
        claim.row_id is not null as is_claimed
    from {{ table }}_differing as differing
    -- a live row that we did not write and that a person would call the same
    left outer join {{ table }}_named as namesake
        on
            differing.known_row_id is null
            {%- for column in spec['natural'] %}
            and differing.natural_{{ column }} = namesake.natural_{{ column }}
            {%- endfor %}
    left outer join {{ table }}_known as claim on namesake.row_id = claim.row_id
),
{%- endfor %}

compared as not materialized (
    {%- for table in tables %}
    select * from {{ table }}_compared
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- the ready side of a customer without a ready row: its live row with another status
completed as not materialized (
    select
        compared.table_name,
        compared.row_key,
        compared.row_id,
        compared.customer_id,
        compared.known_customer_id,
        compared.known_hashes,
        compared.live_hashes,
        compared.has_namesake,
        compared.is_claimed,
        case
            when
                compared.table_name <> 'customers'
                or compared.live_hashes is null
                or gone_customers.customer_id is null
                then compared.overrides
            when gone_customers.merged_into_id is not null
                then jsonb_build_object(
                    'status', 'merged', 'merged_into_id', gone_customers.merged_into_id
                )
            else '{"status": "archived", "merged_into_id": null}'::jsonb
        end as overrides,
        case
            when
                compared.table_name <> 'customers'
                or compared.live_hashes is null
                or gone_customers.customer_id is null
                then compared.ready_hashes
            else
                array[
                    case
                        when gone_customers.merged_into_id is not null
                            then {{ merged_hash }}
                        else {{ archived_hash }}
                    end
                ] || compared.live_hashes[2:]
        end as ready_hashes,
        gone_customers.customer_id is not null as is_customer_gone,
        gone_customers.merged_into_id is not null as is_customer_merged,
        removed_customers.customer_id is not null as is_customer_removed
    from compared
    left outer join gone_customers
        on
            coalesce(compared.known_customer_id, compared.customer_id)
            = gone_customers.customer_id
    left outer join removed_customers
        on compared.customer_id = removed_customers.customer_id
),

judged as not materialized (
    select
        *,
        case
            when ready_hashes is not null and known_hashes is null
                then
                    case
                        when has_namesake and is_claimed then 'value_held_by_other_row'
                        when has_namesake then 'already_in_crm'
                        when is_customer_removed then 'customer_removed_in_crm'
                        else 'new_in_source'
                    end
            when live_hashes is null and ready_hashes is null
                then 'gone_on_both_sides'
            when live_hashes is null and is_customer_removed
                then 'customer_removed_in_crm'
            when live_hashes is null and ready_hashes = known_hashes
                then 'removed_in_crm'
            when live_hashes is null then 'removed_in_crm_changed_in_source'
            when ready_hashes is not null and is_customer_removed
                then 'customer_removed_in_crm'
            when ready_hashes is null and is_customer_gone and not is_customer_merged
                then 'archived_with_customer'
            when ready_hashes is null and live_hashes = known_hashes
                then 'gone_from_source'
            when ready_hashes is null then 'gone_from_source_edited_in_crm'
            when ready_hashes = live_hashes and live_hashes = known_hashes then 'same'
        end as row_reason
    from completed
),

-- unnested only where the groups must be told apart; the fence keeps the reason from
-- being reckoned anew at every mention below (null and not 0, which would keep it on
-- one core)
grouped as not materialized (
    select
        judged.*,
        case
            when judged.row_reason is null
                then (
                    select
                        array_agg(
                            case
                                when
                                    ready_group = live_group
                                    and live_group = known_group
                                    then 'no_change'
                                when ready_group = live_group then 'agree'
                                when live_group = known_group then 'update'
                                when ready_group = known_group then 'keep_crm_edit'
                                else 'conflict'
                            end
                            order by group_position
                        )
                    from
                        unnest(
                            judged.ready_hashes,
                            judged.live_hashes,
                            judged.known_hashes
                        )
                        with ordinality
                            as side (
                                ready_group, live_group, known_group, group_position
                            )
                )
        end as group_actions
    from judged
    where judged.row_reason is distinct from 'same'
    offset null  -- noqa: AM09
),

final as (
    select
        table_name,
        row_key,
        row_id,
        customer_id,
        known_customer_id as previous_customer_id,
        case
            when row_reason = 'new_in_source' then 'insert'
            when row_reason = 'already_in_crm' then 'adopt'
            when row_reason = 'gone_from_source' then 'retire'
            when
                row_reason in (
                    'value_held_by_other_row',
                    'customer_removed_in_crm',
                    'removed_in_crm'
                )
                then 'keep_crm_edit'
            when
                row_reason in (
                    'removed_in_crm_changed_in_source', 'gone_from_source_edited_in_crm'
                )
                then 'conflict'
            when row_reason is not null then 'no_change'
            when 'update' = any(group_actions)
                then
                    case
                        when
                            table_name = 'customers'
                            and is_customer_gone and not is_customer_merged
                            then 'retire'
                        else 'update'
                    end
            when 'conflict' = any(group_actions) then 'conflict'
            when 'keep_crm_edit' = any(group_actions) then 'keep_crm_edit'
            else 'no_change'
        end as action,
        case
            when row_reason is not null then row_reason
            when table_name = 'customers' and is_customer_merged then 'customer_merged'
            when table_name = 'customers' and is_customer_gone then 'no_record_left'
            else 'changed'
        end as reason,
        group_actions,
        overrides,
        ready_hashes,
        live_hashes,
        known_hashes
    from grouped
)

select * from final
