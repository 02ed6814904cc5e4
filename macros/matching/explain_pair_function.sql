{#- The function explain_pair(left, right): the steps that join two cards, or every reason known why
    they are apart, one row each. It reads the tables of the last build. -#}
{% macro explain_pair_function(explanations) %}
create or replace function {{ explanations.schema }}.explain_pair(
    left_id bigint, right_id bigint
) returns table (
    step int,
    verdict text,
    left_planfix_id bigint,
    right_planfix_id bigint,
    rule_id text,
    strength int,
    key_kind text,
    key_hash text,
    name_comparison text,
    sentence text
)
language plpgsql stable
as $function$
#variable_conflict use_column
declare
    left_cluster bigint;
    right_cluster bigint;
    reached bigint[] := array[left_id];
    came_from bigint[] := array[null::bigint];
    frontier bigint[] := array[left_id];
    fresh record;
    path bigint[];
    here bigint;
    steps int := 0;
begin
    select clusters.cluster_id into left_cluster
    from {{ ref('int_clusters__final') }} as clusters where clusters.planfix_id = left_id;
    select clusters.cluster_id into right_cluster
    from {{ ref('int_clusters__final') }} as clusters where clusters.planfix_id = right_id;

    if left_id = right_id then
        return query select 1, 'together'::text, left_id, right_id, 'same_record'::text, null::int,
            null::text, null::text, null::text, 'It is one and the same card.'::text;
        return;
    end if;

    if left_cluster is null or right_cluster is null then
        return query
        select
            1, 'apart'::text, left_id, right_id, 'out_of_scope'::text, null::int, null::text,
            null::text, null::text,
            'Card ' || asked.planfix_id || case
                when contacts.planfix_id is null then ' is not in the source.'
                else ' takes no part: ' || coalesce(contacts.exclusion_reason, 'unknown') || '.'
            end
        from unnest(array[left_id, right_id]) as asked (planfix_id)
        left join {{ ref('int_contacts__normalized') }} as contacts
            on asked.planfix_id = contacts.planfix_id
        left join {{ ref('int_clusters__final') }} as clusters
            on asked.planfix_id = clusters.planfix_id
        where clusters.planfix_id is null;
        return;
    end if;

    if left_cluster = right_cluster then
        -- breadth first: the shortest chain of accepted links
        while not right_id = any(reached) and cardinality(frontier) > 0 loop
            path := frontier;
            frontier := '{}';
            for fresh in
                select distinct on (edge.there)
                    edge.here,
                    edge.there
                from (
                    select links.left_planfix_id as here, links.right_planfix_id as there,
                        links.strength
                    from {{ explanations }} as links
                    where links.outcome = 'accepted' and links.left_planfix_id = any(path)
                    union all
                    select links.right_planfix_id, links.left_planfix_id, links.strength
                    from {{ explanations }} as links
                    where links.outcome = 'accepted' and links.right_planfix_id = any(path)
                ) as edge
                where not edge.there = any(reached)
                order by edge.there, edge.strength desc, edge.here
            loop
                reached := reached || fresh.there;
                came_from := came_from || fresh.here;
                frontier := frontier || fresh.there;
            end loop;
        end loop;
        here := right_id;
        path := array[right_id];
        while here <> left_id loop
            here := came_from[array_position(reached, here)];
            path := here || path;
        end loop;
        return query
        select
            chain.step, 'together'::text, path[chain.step], path[chain.step + 1], best.rule_id,
            best.strength, best.key_kind, best.key_hash, best.name_comparison, best.sentence
        from generate_series(1, cardinality(path) - 1) as chain (step)
        cross join lateral (
            select links.*
            from {{ explanations }} as links
            where
                links.outcome = 'accepted'
                and links.left_planfix_id = least(path[chain.step], path[chain.step + 1])
                and links.right_planfix_id = greatest(path[chain.step], path[chain.step + 1])
            order by links.strength desc, links.rule_id
            limit 1
        ) as best
        order by chain.step;
        return;
    end if;

    -- apart: the way over other cards that would have joined them, if there is one
    while not right_id = any(reached) and cardinality(frontier) > 0 loop
        path := frontier;
        frontier := '{}';
        for fresh in
            select distinct on (edge.there)
                edge.here,
                edge.there
            from (
                select links.left_planfix_id as here, links.right_planfix_id as there,
                    links.outcome, links.strength
                from {{ explanations }} as links
                where links.strength is not null and links.left_planfix_id = any(path)
                union all
                select links.right_planfix_id, links.left_planfix_id, links.outcome,
                    links.strength
                from {{ explanations }} as links
                where links.strength is not null and links.right_planfix_id = any(path)
            ) as edge
            where not edge.there = any(reached)
            order by edge.there, edge.outcome = 'accepted' desc, edge.strength desc, edge.here
        loop
            reached := reached || fresh.there;
            came_from := came_from || fresh.here;
            frontier := frontier || fresh.there;
        end loop;
    end loop;
    path := array[]::bigint[];
    if right_id = any(reached) then
        here := right_id;
        path := array[right_id];
        while here <> left_id loop
            here := came_from[array_position(reached, here)];
            path := here || path;
        end loop;
    end if;
    -- one step is the pair itself, which the reasons below speak of
    if cardinality(path) > 2 then
        return query
        select
            chain.step,
            case when best.outcome = 'accepted' then 'together' else 'apart' end,
            path[chain.step], path[chain.step + 1], best.rule_id, best.strength, best.key_kind,
            best.key_hash, best.name_comparison, best.sentence
        from generate_series(1, cardinality(path) - 1) as chain (step)
        cross join lateral (
            select links.*
            from {{ explanations }} as links
            where
                links.strength is not null
                and links.left_planfix_id = least(path[chain.step], path[chain.step + 1])
                and links.right_planfix_id = greatest(path[chain.step], path[chain.step + 1])
            order by links.outcome = 'accepted' desc, links.strength desc, links.rule_id
            limit 1
        ) as best
        order by chain.step;
        steps := cardinality(path) - 1;
    end if;

    -- apart: what people said, what was cut, what they share that may not join them
    return query
    with
    namesakes as (
        -- one row when the cards bear one full name
        select
            one.full_name_key,
            counted.record_count,
            counted.share_of_others,
            coalesce(one.birth_date <> other.birth_date, false) as has_two_birth_dates
        from {{ ref('int_match_records__prepared') }} as one
        inner join {{ ref('int_match_records__prepared') }} as other
            on one.full_name_key = other.full_name_key and one.kind = other.kind
        inner join {{ ref('int_match_names__counted') }} as counted
            on one.full_name_key = counted.full_name_key and one.kind = counted.kind
        where one.planfix_id = left_id and other.planfix_id = right_id
    ),
    own as (
        select
            collected.planfix_id,
            array_agg(collected.key_value) filter (where collected.key_kind = 'phone') as phones,
            array_agg(collected.key_value) filter (where collected.key_kind = 'email') as emails
        from {{ ref('int_match_identifiers__collected') }} as collected
        left join {{ ref('int_identifiers__classified') }} as classified
            on
                collected.key_kind = classified.key_kind
                and collected.key_value = classified.key_value
        where
            collected.planfix_id in (left_id, right_id)
            and not collected.is_from_trip
            and coalesce(classified.identifier_class, 'personal') = 'personal'
        group by collected.planfix_id
    ),
    -- what an equal full name would count with
    every_meeting as (
        select 'trip' as key_kind, 'trip:' || slot as key_value, (
            select count(distinct trips.planfix_id)
            from {{ ref('int_match_trips__attributed') }} as trips
            where date_trunc('minute', trips.pickup_at) = slot
        ) as group_size
        from (
            select date_trunc('minute', one.pickup_at) as slot
            from {{ ref('int_match_trips__attributed') }} as one
            where one.planfix_id = left_id and one.is_recent
            intersect
            select date_trunc('minute', other.pickup_at)
            from {{ ref('int_match_trips__attributed') }} as other
            where other.planfix_id = right_id and other.is_recent
        ) as slots

        union all

        select 'employer', one.employer_key, one.employee_count
        from {{ ref('int_match_employers__keyed') }} as one
        inner join {{ ref('int_match_employers__keyed') }} as other
            on one.employer_key = other.employer_key
        where one.planfix_id = left_id and other.planfix_id = right_id
    ),
    met as (
        select distinct on (key_kind) *
        from every_meeting
        order by key_kind, group_size, key_value collate "C"
    ),
    reasons as (
        select
            1 as place, reason.rule_id, reason.strength, reason.key_kind, reason.key_hash,
            reason.name_comparison, reason.sentence
        from {{ explanations }} as reason
        where
            reason.direction = 'apart'
            and reason.left_planfix_id = least(left_id, right_id)
            and reason.right_planfix_id = greatest(left_id, right_id)

        union all

        select
            2, 'decision_' || decisions.verdict, null, 'decision', null, null,
            'A person decided: ' || decisions.verdict || ', '
            || to_char(decisions.decided_at at time zone 'UTC', 'YYYY-MM-DD')
            || case when decisions.is_in_force then '.' else ' (no longer in force).' end
        from {{ ref('int_match_decisions__effective') }} as decisions
        where
            decisions.left_planfix_id = least(left_id, right_id)
            and decisions.right_planfix_id = greatest(left_id, right_id)

        union all

        select
            3, 'different_kinds', null, null, null, null,
            'One card is a person, the other a company.'
        from {{ ref('int_match_records__prepared') }} as one
        inner join {{ ref('int_match_records__prepared') }} as other
            on one.kind <> other.kind
        where one.planfix_id = left_id and other.planfix_id = right_id

        union all

        select
            4, 'names_contradict', null, null, null,
            {{ name_grade_text('-1') }},
            'The names on the two cards contradict each other.'
        from {{ ref('int_match_records__prepared') }} as one
        inner join {{ ref('int_match_records__prepared') }} as other
            on one.kind = other.kind
        inner join {{ ref('int_match_names__variants') }} as one_name
            on one.planfix_id = one_name.planfix_id
        inner join {{ ref('int_match_names__variants') }} as other_name
            on other.planfix_id = other_name.planfix_id
        where
            one.planfix_id = left_id
            and other.planfix_id = right_id
            and {{ name_grade('one_name', 'other_name') }} < 0

        union all

        select
            5, 'shared_' || one.key_kind, null, one.key_kind,
            left(encode(sha256(convert_to(one.key_kind || ':' || one.key_value, 'UTF8')), 'hex'), 32),
            null,
            case
                when one.is_from_trip or other.is_from_trip
                    then 'A trip lends one card the ' || one.key_kind || ' of the other'
                else 'Both cards show one ' || replace(one.key_kind, '_', ' ')
            end || case
                when classified.identifier_class = 'void'
                    then ', but it is a placeholder and links nothing.'
                when classified.identifier_class = 'shared'
                    then ', but ' || classified.record_count || ' cards share it ('
                        || replace(classified.reason_code, '_', ' ')
                        || '): it links equal full names only' || case
                            when namesakes.full_name_key is not null
                                then ', and this one too many people bear for that.'
                            else '.'
                        end
                when one.is_from_trip or other.is_from_trip
                    then ': it links equal full names only.'
                else ', and it links as far as the names do not contradict.'
            end
        from {{ ref('int_match_identifiers__collected') }} as one
        inner join {{ ref('int_match_identifiers__collected') }} as other
            on one.key_kind = other.key_kind and one.key_value = other.key_value
        left join {{ ref('int_identifiers__classified') }} as classified
            on one.key_kind = classified.key_kind and one.key_value = classified.key_value
        left join namesakes on true
        where one.planfix_id = left_id and other.planfix_id = right_id

        union all

        select
            4, reason.rule_id, null, null, null, null,
            {{ contradiction_sentence('reason.rule_id') }}
        from {{ ref('int_match_records__prepared') }} as one
        inner join {{ ref('int_match_records__prepared') }} as other
            on one.kind = other.kind
        cross join lateral (
            values
            ('birth_dates', one.birth_date <> other.birth_date),
            ('registration_numbers', one.registration_number <> other.registration_number)
        ) as reason (rule_id, is_given)
        where
            one.planfix_id = left_id
            and other.planfix_id = right_id
            and reason.is_given
            and not exists (
                select 1 from {{ explanations }} as said
                where
                    said.left_planfix_id = least(left_id, right_id)
                    and said.right_planfix_id = greatest(left_id, right_id)
                    and said.rule_id = reason.rule_id
            )

        union all

        select
            6, 'same_' || met.key_kind, null, met.key_kind,
            left(encode(sha256(convert_to(met.key_kind || ':' || met.key_value, 'UTF8')), 'hex'), 32),
            {{ name_grade_text('4') }},
            'Both cards bear one full name and '
            || case met.key_kind
                when 'trip' then 'belong to one recent trip' else 'one employer'
            end
            || case
                when namesakes.has_two_birth_dates then ', but show different birth dates.'
                when
                    met.key_kind = 'employer'
                    and not left_own.phones && right_own.phones
                    and not left_own.emails && right_own.emails
                    then ', but each has phones and mails of its own.'
                when met.group_size * namesakes.share_of_others > {{ setting('coincidence_limit') }}
                    then ', but so many people do that it may be chance.'
                else ', but no rule in force joins them for that.'
            end
        from namesakes
        cross join met
        left join own as left_own
            on left_own.planfix_id = left_id
        left join own as right_own
            on right_own.planfix_id = right_id
        where not exists (
            select 1 from {{ explanations }} as said
            where
                said.left_planfix_id = least(left_id, right_id)
                and said.right_planfix_id = greatest(left_id, right_id)
                and said.key_kind = met.key_kind
        )

        union all

        select
            7, 'same_name_only', null, 'name', null, {{ name_grade_text('4') }},
            'The full names are equal, but a name alone never links'
            || case when namesakes.record_count > 2
                then ' (' || namesakes.record_count || ' cards bear it)' else '' end || '.'
        from namesakes
        where
            not exists (select 1 from met)
            and not exists (
                select 1
                from {{ ref('int_match_identifiers__collected') }} as one
                inner join {{ ref('int_match_identifiers__collected') }} as other
                    on one.key_kind = other.key_kind and one.key_value = other.key_value
                where one.planfix_id = left_id and other.planfix_id = right_id
            )
    )
    select
        steps + (
            row_number() over (order by reasons.place, reasons.rule_id, reasons.key_hash)
        )::int,
        'apart'::text, left_id, right_id, reasons.rule_id, reasons.strength, reasons.key_kind,
        reasons.key_hash, reasons.name_comparison, reasons.sentence
    from reasons;
    get diagnostics here = row_count;
    if here = 0 and steps = 0 then
        return query select 1, 'apart'::text, left_id, right_id, 'nothing_in_common'::text,
            null::int, null::text, null::text, null::text,
            'The two cards have neither a key nor a full name in common.'::text;
    end if;
end;
$function$
{% endmacro %}
