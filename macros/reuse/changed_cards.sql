{#-
    Makes, in the transaction of this model or test, the table of cards that changed since the query
    was last asked, and views that show those cards alone; returns the query over them and how many
    they are. None where other things changed too, or too many cards: then it is to be asked whole.

    Arguments: the query; its inputs now (card_inputs); the name under which its inputs of the last
    time are noted; the version that they have to be noted for.
-#}
{% macro of_changed_cards(query, inputs, noted_as, version) %}
    {%- if inputs is none -%}{{- return(none) -}}{%- endif -%}
    {%- set changed = changed_cards_table() -%}
    {%- set views = _views_of_changed_cards(inputs, changed) -%}
    {%- if views is none -%}{{- return(none) -}}{%- endif -%}
    {%- set found = run_query(_changed_cards_sql(inputs, noted_as, version, changed)) -%}
    {%- if found.rows[0][0] is none -%}{{- return(none) -}}{%- endif -%}
    {%- for view in views.values() -%}
        {%- do run_query('create temporary view "' ~ view.identifier ~ '" as ' ~ view.definition) -%}
    {%- endfor -%}
    {%- set ns = namespace(query=query) -%}
    {%- for name, view in views.items() -%}
        {%- set ns.query = ns.query | replace(view.rendered, 'pg_temp."' ~ view.identifier ~ '"') -%}
    {%- endfor -%}
    {%- do graph.setdefault('views_of_changed_cards_' ~ invocation_id, {}).update(
        {model.unique_id: views.values() | map(attribute='identifier') | list}
    ) -%}
    {{- return({'query': ns.query, 'count': found.rows[0][0] | int}) -}}
{% endmacro %}


{#- The rows of the other cards as they stand, and what is asked for again. -#}
{% macro with_other_cards(relation, query) %}
select whole.*
from {{ relation }} as whole
where not exists (
    select from {{ changed_cards_table() }} as changed
    where whole.planfix_id = changed.planfix_id
)
union all
select rebuilt.*
from (
{{ query }}
) as rebuilt
-- what is not read by card gives rows of every card
where rebuilt.planfix_id in (select planfix_id from {{ changed_cards_table() }})
{% endmacro %}


{#- Not a temporary table, which only one process could read. -#}
{% macro changed_cards_table() %}
    {{- return('migration.changed_cards__' ~ local_md5(model.unique_id ~ target.name)[:16]) -}}
{% endmacro %}


{% macro drop_views_of_changed_cards() %}
    {%- set views = graph.get('views_of_changed_cards_' ~ invocation_id, {}).pop(model.unique_id, []) -%}
    {%- if views -%}
        {%- do run_query(
            'drop view pg_temp."' ~ views | join('", pg_temp."') ~ '"; drop table '
            ~ changed_cards_table()
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _changed_cards_sql(inputs, noted_as, version, changed) %}
create temporary table if not exists counted_cards (count bigint) on commit drop;
truncate counted_cards;
do $changed$
declare
    noted jsonb;
    changed_count bigint;
begin
    select card_builds.inputs from migration.card_builds
    where
        relation = '{{ noted_as }}'
        and version = '{{ version }}'
        and rest = '{{ inputs.rest }}'
    into noted;
    -- what every input was then has to be a version whose changes since are known
    if noted is null or exists (
        select
        from jsonb_each_text('{{ tojson(inputs.cards) }}') as current (relation, version)
        left join migration.card_versions as noted_version
            on current.relation = noted_version.relation
            and noted ->> current.relation = noted_version.version
        left join migration.card_versions as current_version
            on current.relation = current_version.relation
            and current.version = current_version.version
        where noted_version.version is null or current_version.version is null
    ) then
        return;
    end if;
    drop table if exists {{ changed }};
    create unlogged table {{ changed }} as
    select distinct changes.planfix_id
    from jsonb_each_text('{{ tojson(inputs.cards) }}') as current (relation, version)
    inner join migration.card_versions as noted_version
        on current.relation = noted_version.relation
        and noted ->> current.relation = noted_version.version
    inner join migration.card_changes as changes
        on current.relation = changes.relation
        and noted_version.generation < changes.generation;
    select count(*) from {{ changed }} into changed_count;
    if {{ are_few_cards('changed_count') }} then
        analyze {{ changed }};
        insert into counted_cards values (changed_count);
    else
        drop table {{ changed }};
    end if;
end
$changed$;
select max(count) from counted_cards
{% endmacro %}


{#- For each table by card, and each view over such, the same with the changed cards alone. -#}
{% macro _views_of_changed_cards(inputs, changed) %}
    {%- set known, views = tables_by_card(), {} -%}
    {%- for name in inputs.cards -%}
        {%- set table = known[name] -%}
        {%- do views.update({name: {
            'rendered': table.rendered,
            'identifier': table.identifier,
            'definition': 'select * from ' ~ name ~ ' as whole where whole.' ~ table.key
                ~ ' in (select planfix_id from ' ~ changed ~ ')',
        }}) -%}
    {%- endfor -%}
    {%- for name, definition in inputs.views.items() -%}
        {%- set ns = namespace(definition=definition) -%}
        {%- for table in inputs.cards -%}
            {%- set ns.definition = modules.re.sub(
                '\\b' ~ modules.re.escape(table) ~ '\\b',
                'pg_temp.' ~ known[table].identifier,
                ns.definition,
            ) -%}
        {%- endfor -%}
        {%- for other in inputs.views if other != name
            and modules.re.search('\\b' ~ modules.re.escape(other) ~ '\\b', definition) -%}
            {#- a view on a view: seldom, and not worth the order they would have to be made in -#}
            {{- return(none) -}}
        {%- endfor -%}
        {%- if ns.definition != definition -%}
            {%- set identifier = name.split('.')[1] -%}
            {%- do views.update({name: {
                'rendered': adapter.quote(target.database) ~ '.'
                    ~ adapter.quote(name.split('.')[0]) ~ '.' ~ adapter.quote(identifier),
                'identifier': identifier,
                'definition': ns.definition,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(views) -}}
{% endmacro %}
