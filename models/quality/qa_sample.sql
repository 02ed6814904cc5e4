{%- set confidence = setting('qa_confidence') | float -%}
{%- set defect_share = setting('qa_defect_share') | float -%}
with

golden as (

    select * from {{ ref('int_customers__golden') }}

),

tags as not materialized (

    select * from {{ ref('customer_tags') }}

),

links as not materialized (

    select * from {{ ref('customer_external_links') }}

),

verdicts as (

    select distinct on (sample_key)
        sample_key,
        verdict,
        comment,
        given_by,
        given_at
    from {{ state_relation('qa_verdicts') }}
    order by sample_key asc, verdict_id desc

),

segments as (

    select
        customer_id,
        min(tag collate "C") as segment
    from tags
    where kind = 'segment'
    group by customer_id

),

strata as not materialized (

    select
        golden.customer_id,
        golden.kind,
        coalesce(segments.segment, 'no segment') as segment,
        golden.record_count > 1 as is_merged,
        golden.incomplete_profile as is_incomplete
    from golden
    left outer join segments on golden.customer_id = segments.customer_id

),

-- n customers without one error say, with this confidence, that fewer than this share
-- of all are wrong: n = ln(1 - confidence) / ln(1 - share), never more than there are
sized as (

    select
        *,
        concat_ws(
            ' | ',
            kind,
            segment,
            case when is_merged then 'merged' else 'single' end,
            case when is_incomplete then 'incomplete' else 'complete' end
        ) as stratum,
        least(
            population,
            ceil(ln(1 - {{ confidence }}) / ln(1 - {{ defect_share }}))
        )::bigint as wanted
    from (
        select
            kind,
            segment,
            is_merged,
            is_incomplete,
            count(*) as stratum_size,
            (sum(count(*)) over ())::bigint as population,
            row_number() over () as stratum_number
        from strata
        group by kind, segment, is_merged, is_incomplete
    ) as counted

),

-- by number: texts that begin alike would be most of the time of the sort
numbered as (

    select
        customer_id,
        stratum_number,
        row_number() over (
            partition by stratum_number
            order by lot asc, customer_id asc
        ) as place
    from (
        select
            strata.customer_id,
            sized.stratum_number,
            -- the same seed picks the same customers, however the table is stored
            md5({{ setting_literal('qa_seed') }} || strata.customer_id)::uuid as lot
        from strata
        inner join sized
            on
                strata.kind = sized.kind
                and strata.segment = sized.segment
                and strata.is_merged = sized.is_merged
                and strata.is_incomplete = sized.is_incomplete
    ) as lots

),

-- each stratum by its weight, rounded up, and rare ones at least so many that they are
-- seen
drawn as (

    select
        numbered.customer_id,
        numbered.place,
        sized.stratum,
        sized.kind,
        sized.segment,
        sized.is_merged,
        sized.is_incomplete,
        sized.stratum_size,
        sized.population,
        sized.wanted
    from numbered
    inner join sized on numbered.stratum_number = sized.stratum_number
    where
        -- between, and not only up to: PostgreSQL takes that for a third of all, and
        -- sorts whole tables for a few hundred customers
        numbered.place between 1 and greatest(
            ceil(sized.wanted::numeric * sized.stratum_size / sized.population),
            {{ setting('qa_minimum_per_stratum') | int }}
        )

),

target as (

    select
        drawn.customer_id,
        to_jsonb(customers) as customer
    from drawn
    inner join {{ ref('customers') }} as customers on drawn.customer_id = customers.id

),

target_contacts as (

    select
        drawn.customer_id,
        jsonb_agg(
            to_jsonb(contacts) - 'id' - 'customer_id'
            order by
                contacts.channel asc, contacts.is_primary desc, contacts.value asc,
                contacts.extension asc
        ) as contacts
    from drawn
    inner join {{ ref('customer_contacts') }} as contacts
        on drawn.customer_id = contacts.customer_id
    group by drawn.customer_id

),

target_tags as (

    select
        drawn.customer_id,
        jsonb_agg(tags.kind || ': ' || tags.tag order by tags.kind, tags.tag) as tags
    from drawn
    inner join tags on drawn.customer_id = tags.customer_id
    group by drawn.customer_id

),

target_consents as (

    select
        drawn.customer_id,
        jsonb_agg(
            to_jsonb(consents) - 'id' - 'customer_id'
            order by consents.channel, consents.purpose
        ) as consents
    from drawn
    inner join {{ ref('customer_consents') }} as consents
        on drawn.customer_id = consents.customer_id
    group by drawn.customer_id

),

target_notes as (

    select
        drawn.customer_id,
        jsonb_agg(
            to_jsonb(notes) - 'id' - 'customer_id'
            order by notes.noted_at desc nulls last, notes.id asc
        ) as notes
    from drawn
    inner join {{ ref('customer_notes') }} as notes
        on drawn.customer_id = notes.customer_id
    group by drawn.customer_id

),

-- put aside, or all links would be joined with all raw cards before the sample is
drawn_cards as materialized (

    select
        drawn.customer_id,
        links.external_id::bigint as planfix_id,
        links.url,
        links.match_rule
    from drawn
    inner join links on drawn.customer_id = links.customer_id
    where links.source_system = 'planfix'

),

-- in two steps: asked at once, the planner, which cannot know how many cards are drawn,
-- puts all raw cards into a hash table and that on disk
raw_contacts as materialized (

    select
        id,
        payload,
        custom_fields
    from {{ source('planfix_raw', 'contacts') }}
    where
        id in (select drawn_cards.planfix_id from drawn_cards)
        and {{ finished_loads('planfix_raw') }}

),

-- the source as it was received, not as we understood it
api_records as (

    select
        drawn_cards.customer_id,
        jsonb_agg(
            jsonb_build_object(
                'planfix_id', raw_contacts.id,
                'url', drawn_cards.url,
                'match_rule', drawn_cards.match_rule,
                'card', raw_contacts.payload,
                'custom_fields', raw_contacts.custom_fields
            )
            order by raw_contacts.id
        ) as records
    from drawn_cards
    inner join raw_contacts on drawn_cards.planfix_id = raw_contacts.id
    group by drawn_cards.customer_id

),

csv_records as (

    select
        drawn_cards.customer_id,
        jsonb_agg(
            jsonb_build_object(
                'planfix_id', csv_lines.planfix_id,
                'file', csv_lines.file_name,
                'line', csv_lines.line_number,
                'cells', raw_lines.row
            )
            order by csv_lines.planfix_id, csv_lines.file_name, csv_lines.line_number
        ) as records
    from drawn_cards
    inner join {{ ref('int_csv_lines__numbered') }} as csv_lines
        on drawn_cards.planfix_id = csv_lines.planfix_id
    inner join {{ source('planfix_csv_raw', 'export_rows') }} as raw_lines
        on
            csv_lines.file_sha256 = raw_lines.file_sha256
            and csv_lines.line_number = raw_lines.line_number
    group by drawn_cards.customer_id

),

composed as (

    select
        drawn.customer_id,
        drawn.stratum,
        drawn.kind,
        drawn.segment,
        drawn.is_merged,
        drawn.is_incomplete,
        drawn.place,
        drawn.stratum_size,
        drawn.population,
        drawn.wanted,
        jsonb_build_object(
            'api', coalesce(api_records.records, '[]'),
            'csv', coalesce(csv_records.records, '[]')
        ) as source,
        jsonb_build_object(
            'customer', target.customer,
            'contacts', coalesce(target_contacts.contacts, '[]'),
            'tags', coalesce(target_tags.tags, '[]'),
            'consents', coalesce(target_consents.consents, '[]'),
            'notes', coalesce(target_notes.notes, '[]')
        ) as target
    from drawn
    inner join target on drawn.customer_id = target.customer_id
    left outer join target_contacts on drawn.customer_id = target_contacts.customer_id
    left outer join target_tags on drawn.customer_id = target_tags.customer_id
    left outer join target_consents on drawn.customer_id = target_consents.customer_id
    left outer join target_notes on drawn.customer_id = target_notes.customer_id
    left outer join api_records on drawn.customer_id = api_records.customer_id
    left outer join csv_records on drawn.customer_id = csv_records.customer_id

),

-- a verdict holds for what was looked at: another content is another key
keyed as (

    select
        *,
        md5(customer_id || target::text) as sample_key
    from composed

),

final as (

    select
        keyed.sample_key,
        keyed.customer_id,
        keyed.stratum,
        keyed.kind,
        keyed.segment,
        keyed.is_merged,
        keyed.is_incomplete,
        keyed.place,
        keyed.stratum_size,
        keyed.population,
        keyed.wanted as wanted_size,
        {{ confidence }}::numeric as confidence,
        {{ defect_share }}::numeric as defect_share,
        keyed.source,
        keyed.target,
        verdicts.verdict,
        verdicts.comment,
        verdicts.given_by,
        verdicts.given_at
    from keyed
    left outer join verdicts on keyed.sample_key = verdicts.sample_key

)

select * from final
