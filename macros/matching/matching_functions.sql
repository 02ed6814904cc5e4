{#- The two loops of matching that SQL cannot do in a bounded number of steps, as functions in
    the schema of the matching models. A model that calls them creates them first (pre-hook),
    where they are not there in this very form: models that run side by side must not replace one
    function at once (PostgreSQL: tuple concurrently updated). -#}
{% macro matching_functions() %}
    {%- set ddl = _matching_functions_ddl() -%}
    {%- set version = local_md5(ddl) -%}
    {%- set marked = matching_schema() ~ '.connected_components(integer[], integer[], integer)' -%}
    {%- if execute and run_query(
        "select obj_description(to_regprocedure('" ~ marked ~ "'), 'pg_proc') = '" ~ version ~ "'"
    ).rows[0][0] -%}
        {{- return('select 1') -}}
    {%- endif -%}
    {{- return(
        "select pg_advisory_xact_lock(hashtext('" ~ marked ~ "'));\n" ~ ddl
        ~ "\ncomment on function " ~ marked ~ " is '" ~ version ~ "';"
    ) -}}
{% endmacro %}


{% macro _matching_functions_ddl() %}
{%- set schema = matching_schema() -%}
create or replace function {{ schema }}.connected_components(
    left_numbers int[], right_numbers int[], member_count int
) returns int[]
language plpgsql immutable parallel safe
as $function$
-- Union-find over an array: the label of a component is its least member. 1,000,000 edges take
-- seconds whatever their shape (measured: stars, a hub, chains of 1,000), where a recursive
-- query or a label loop takes minutes on a hub or a chain.
declare
    labels int[] := array(select number from generate_series(1, member_count) as number);
    edge_count int := coalesce(array_length(left_numbers, 1), 0);
    left_label int;
    right_label int;
    next_label int;
begin
    for edge in 1 .. edge_count loop
        left_label := left_numbers[edge];
        while labels[left_label] <> left_label loop
            next_label := labels[labels[left_label]];
            labels[left_label] := next_label;
            left_label := next_label;
        end loop;
        right_label := right_numbers[edge];
        while labels[right_label] <> right_label loop
            next_label := labels[labels[right_label]];
            labels[right_label] := next_label;
            right_label := next_label;
        end loop;
        if left_label < right_label then
            labels[right_label] := left_label;
        elsif right_label < left_label then
            labels[left_label] := right_label;
        end if;
    end loop;
    -- a label is never greater than its member, so one pass in order flattens every path
    for member in 1 .. member_count loop
        labels[member] := labels[labels[member]];
    end loop;
    return labels;
end;
$function$;

create or replace function {{ schema }}.resolve_contradictions(
    left_numbers int[],
    right_numbers int[],
    strengths int[],
    left_contradictions int[],
    right_contradictions int[],
    member_count int
) returns boolean[]
language plpgsql immutable
-- the planner takes every array for ten rows
set enable_nestloop = off
as $function$
-- Which links of a component that holds contradicting members may stand. Links are taken strongest
-- first, all of one strength at a time, so that the order of rows cannot matter. Of one strength:
--   1. a link between two parts that contradict falls;
--   2. a part that would join two parts that contradict each other joins neither;
--   3. whatever contradiction is left after that, over more links, makes all links of this
--      strength in its component fall.
declare
    accepted boolean[] := array_fill(false, array[coalesce(array_length(left_numbers, 1), 0)]);
    labels int[] := array(select number from generate_series(1, member_count) as number);
    tier record;
    kept int[];
    spoiled boolean;
    tentative int[];
begin
    for tier in
        select
            link.strength,
            array_agg(link.position::int order by link.position) as positions
        from unnest(strengths) with ordinality as link (strength, position)
        group by link.strength
        order by link.strength desc
    loop
        -- 1
        with
        candidates as (
            select
                candidate.position,
                labels[left_numbers[candidate.position]] as one,
                labels[right_numbers[candidate.position]] as other
            from unnest(tier.positions) as candidate (position)
        ),
        conflicts as (
            select distinct
                least(labels[pair.one], labels[pair.other]) as one,
                greatest(labels[pair.one], labels[pair.other]) as other
            from unnest(left_contradictions, right_contradictions) as pair (one, other)
        )
        select array_agg(candidates.position order by candidates.position)
        into kept
        from candidates
        left join conflicts
            on
                least(candidates.one, candidates.other) = conflicts.one
                and greatest(candidates.one, candidates.other) = conflicts.other
        where conflicts.one is null;
        continue when kept is null;

        for attempt in 2 .. 4 loop
            tentative := {{ schema }}.merged_labels(labels, left_numbers, right_numbers, kept);
            select coalesce(bool_or(tentative[pair.one] = tentative[pair.other]), false)
            into spoiled
            from unnest(left_contradictions, right_contradictions) as pair (one, other)
            where labels[pair.one] <> labels[pair.other];
            exit when not spoiled;

            if attempt = 2 then
                -- 2
                with
                sides as (
                    select distinct
                        labels[left_numbers[candidate.position]] as part,
                        labels[right_numbers[candidate.position]] as neighbour
                    from unnest(kept) as candidate (position)
                    union
                    select distinct
                        labels[right_numbers[candidate.position]] as part,
                        labels[left_numbers[candidate.position]] as neighbour
                    from unnest(kept) as candidate (position)
                ),
                conflicts as (
                    select distinct
                        labels[pair.one] as one,
                        labels[pair.other] as other
                    from unnest(left_contradictions, right_contradictions)
                        as pair (one, other)
                ),
                torn as (
                    select distinct one_side.part
                    from conflicts
                    inner join sides as one_side
                        on conflicts.one = one_side.neighbour
                    inner join sides as other_side
                        on
                            conflicts.other = other_side.neighbour
                            and one_side.part = other_side.part
                )
                select array_agg(candidate.position order by candidate.position)
                into kept
                from unnest(kept) as candidate (position)
                where
                    labels[left_numbers[candidate.position]]
                    not in (select torn.part from torn)
                    and labels[right_numbers[candidate.position]]
                    not in (select torn.part from torn);
            else
                -- 3
                with
                spoiled_parts as (
                    select distinct tentative[pair.one] as part
                    from unnest(left_contradictions, right_contradictions)
                        as pair (one, other)
                    where tentative[pair.one] = tentative[pair.other]
                )
                select array_agg(candidate.position order by candidate.position)
                into kept
                from unnest(kept) as candidate (position)
                where
                    tentative[left_numbers[candidate.position]]
                    not in (select spoiled_parts.part from spoiled_parts);
            end if;
            exit when kept is null;
        end loop;
        continue when kept is null;

        labels := {{ schema }}.merged_labels(labels, left_numbers, right_numbers, kept);
        for index in 1 .. array_length(kept, 1) loop
            accepted[kept[index]] := true;
        end loop;
    end loop;
    return accepted;
end;
$function$;

create or replace function {{ schema }}.merged_labels(
    labels int[], left_numbers int[], right_numbers int[], positions int[]
) returns int[]
language plpgsql immutable
as $function$
-- Labels after the links at these positions: labels are roots or point to smaller roots.
declare
    merged int[] := labels;
    left_label int;
    right_label int;
begin
    for index in 1 .. coalesce(array_length(positions, 1), 0) loop
        left_label := left_numbers[positions[index]];
        while merged[left_label] <> left_label loop
            left_label := merged[left_label];
        end loop;
        right_label := right_numbers[positions[index]];
        while merged[right_label] <> right_label loop
            right_label := merged[right_label];
        end loop;
        merged[greatest(left_label, right_label)] := least(left_label, right_label);
    end loop;
    for member in 1 .. coalesce(array_length(merged, 1), 0) loop
        merged[member] := merged[merged[member]];
    end loop;
    return merged;
end;
$function$;

create or replace function {{ schema }}.assign_greedily(
    cluster_numbers int[], customer_numbers int[]
) returns boolean[]
language plpgsql immutable parallel safe
as $function$
-- Pairs come best first; each cluster gets one customer and each customer one cluster.
declare
    pair_count int := coalesce(array_length(cluster_numbers, 1), 0);
    taken boolean[] := array_fill(false, array[pair_count]);
    cluster_is_served boolean[] := array_fill(
        false, array[coalesce((select max(number) from unnest(cluster_numbers) as number), 0)]
    );
    customer_is_gone boolean[] := array_fill(
        false, array[coalesce((select max(number) from unnest(customer_numbers) as number), 0)]
    );
begin
    for pair in 1 .. pair_count loop
        if
            not cluster_is_served[cluster_numbers[pair]]
            and not customer_is_gone[customer_numbers[pair]]
        then
            taken[pair] := true;
            cluster_is_served[cluster_numbers[pair]] := true;
            customer_is_gone[customer_numbers[pair]] := true;
        end if;
    end loop;
    return taken;
end;
$function$;
{% endmacro %}
