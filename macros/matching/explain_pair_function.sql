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
            on one.name_id = one_name.name_id
        inner join {{ ref('int_match_names__variants') }} as other_name
            on other.name_id = other_name.name_id
        where
            one.planfix_id = left_id
            and other.planfix_id = right_id
            and {{ name_grade('one_name', 'other_name') }} < 0

        union all

        select
            5, 'shared_' || one.key_kind, null, one.key_kind,
            left(encode(sha256(convert_to(one.key_kind || ':' || one.key_value, 'UTF8')), 'hex'), 32),
            null,
            'Both cards show one ' || replace(one.key_kind, '_', ' ') || case
                when classified.identifier_class = 'void'
                    then ', but it is a placeholder and links nothing.'
                when classified.identifier_class = 'shared'
                    then ', but ' || classified.record_count || ' cards share it ('
                        || replace(classified.reason_code, '_', ' ')
                        || '): it links equal full names only.'
                else ', and it links as far as the names do not contradict.'
            end
        from {{ ref('int_match_identifiers__collected') }} as one
        inner join {{ ref('int_match_identifiers__collected') }} as other
            on one.key_kind = other.key_kind and one.key_value = other.key_value
        left join {{ ref('int_identifiers__classified') }} as classified
            on one.key_kind = classified.key_kind and one.key_value = classified.key_value
        where one.planfix_id = left_id and other.planfix_id = right_id

        union all

        select
            6, 'same_name_only', null, 'name', null, {{ name_grade_text('4') }},
            'The full names are equal, but a name alone never links'
            || case when counted.record_count > 2
                then ' (' || counted.record_count || ' cards bear it)' else '' end || '.'
        from {{ ref('int_match_records__prepared') }} as one
        inner join {{ ref('int_match_records__prepared') }} as other
            on one.full_name_key = other.full_name_key and one.kind = other.kind
        inner join {{ ref('int_match_names__counted') }} as counted
            on one.full_name_key = counted.full_name_key and one.kind = counted.kind
        where one.planfix_id = left_id and other.planfix_id = right_id
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
