{#-
    Makes, in the transaction of this model or test, the table of cards (or customers) that changed
    since the query was last asked, and views that show those alone; returns the query over them and
    how many they are. None where other things changed too, or too many of them: then it is to be
    asked whole.

    A customer changed where one of its rows did in a table by customer, where a card came or went
    (the crosswalk says so of both customers), and where one of its cards did in a table by card; a
    card where its own rows did, and where its customer's did.

    Arguments: the query; its inputs now (card_inputs); the name under which its inputs of the last
    time are noted; the version that they have to be noted for; card or customer.
-#}
{% macro of_changed_cards(query, inputs, noted_as, version, unit='card') %}
    {%- if inputs is none -%}{{- return(none) -}}{%- endif -%}
    {%- set crosswalk = _crosswalk(inputs, unit) -%}
    {%- if crosswalk is none -%}{{- return(none) -}}{%- endif -%}
    {%- set views = _views_of_changed_cards(inputs, unit) -%}
    {%- if views is none -%}{{- return(none) -}}{%- endif -%}
    {#- after a commit neither dbt nor psycopg2 opens a transaction by itself -#}
    {%- do run_query('begin') -%}
    {%- set found = run_query(_changed_cards_sql(inputs, noted_as, version, unit, crosswalk)) -%}
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


{#- Not temporary tables, which only one process could read. -#}
{% macro changed_cards_table(unit='card') %}
    {{- return(
        'migration.changed_' ~ unit ~ 's__' ~ local_md5(model.unique_id ~ target.name)[:16]
    ) -}}
{% endmacro %}


{% macro drop_views_of_changed_cards() %}
    {%- set views = graph.get('views_of_changed_cards_' ~ invocation_id, {}).pop(model.unique_id, []) -%}
    {%- if views -%}
        {%- do run_query(
            'drop view pg_temp."' ~ views | join('", pg_temp."') ~ '"; drop table if exists '
            ~ changed_cards_table('card') ~ ', ' ~ changed_cards_table('customer') ~ ', '
            ~ changed_cards_table('row')
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- The input that says which customer a card belongs to: '' where nobody asks, none where both are
    asked for and it is missing. -#}
{% macro _crosswalk(inputs, unit) %}
    {%- set known = tables_by_card() -%}
    {%- set ns = namespace(crosswalk='', others=false) -%}
    {%- for name in inputs.cards -%}
        {%- if known[name].is_crosswalk -%}
            {%- set ns.crosswalk = name -%}
        {%- elif known[name].unit != unit -%}
            {%- set ns.others = true -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ns.others and not ns.crosswalk -%}{{- return(none) -}}{%- endif -%}
    {{- return(ns.crosswalk if ns.others or unit == 'customer' else '') -}}
{% endmacro %}


{% macro _changed_cards_sql(inputs, noted_as, version, unit, crosswalk) %}
{%- set key, other_unit, other_key = ('planfix_id', 'customer', 'customer_id') if unit == 'card'
    else ('customer_id', 'card', 'planfix_id') -%}
{%- set changed, others = changed_cards_table(unit), changed_cards_table(other_unit) -%}
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
    {{ _changes_sql(inputs, unit, key) | indent(4) }}
    {%- if crosswalk %}
    union
    select crosswalk.{{ key }}
    from {{ crosswalk }} as crosswalk
    where crosswalk.{{ other_key }} in (
        {{ _changes_sql(inputs, other_unit, other_key) | indent(8) }}
    )
    {%- endif %}
    {#- what was not settled the last time may hang together with another client -#}
    {%- for column in (model.config.get('meta') or {}).get('asked_again', []) %}
    union
    select {{ column }} from {{ this }} where {{ column }} is not null
    {%- endfor %};
    select count(*) from {{ changed }} into changed_count;
    if {{ are_few_cards('changed_count') }} then
        -- from here on in this transaction: few rows of large tables, which indexes find
        perform set_config('random_page_cost', '1.1', true);
        analyze {{ changed }};
        {%- if crosswalk %}
        drop table if exists {{ others }};
        create unlogged table {{ others }} as
        select distinct {{ other_key }}
        from {{ crosswalk }}
        where {{ key }} in (select {{ key }} from {{ changed }});
        analyze {{ others }};
        {%- endif %}
        {%- if unit == 'customer' and _published_rows() in inputs.cards %}
        drop table if exists {{ changed_cards_table('row') }};
        create unlogged table {{ changed_cards_table('row') }} as
        select * from {{ _published_rows() }}
        where customer_id in (select customer_id from {{ changed }});
        analyze {{ changed_cards_table('row') }};
        {%- endif %}
        insert into counted_cards values (changed_count);
    else
        drop table {{ changed }};
    end if;
end
$changed$;
select max(count) from counted_cards
{% endmacro %}


{#- What changed between the versions noted and those of now. -#}
{% macro _changes_sql(inputs, unit, key) -%}
select distinct changes.{{ key }}
from jsonb_each_text('{{ tojson(inputs.cards) }}') as current (relation, version)
inner join migration.card_versions as noted_version
    on current.relation = noted_version.relation
    and noted ->> current.relation = noted_version.version
inner join migration.{{ unit }}_changes as changes
    on current.relation = changes.relation
    and noted_version.generation < changes.generation
{%- endmacro %}


{#- For each table by card or customer, and each view over such, the same with what changed alone. -#}
{% macro _views_of_changed_cards(inputs, unit) %}
    {%- set known, views = tables_by_card(), {} -%}
    {%- for name in inputs.cards -%}
        {%- set table = known[name] -%}
        {%- set is_of_customers = unit == 'customer' if table.is_crosswalk
            else table.unit == 'customer' -%}
        {%- do views.update({name: {
            'rendered': table.rendered,
            'identifier': _view_name(name),
            'definition': 'select * from ' ~ changed_cards_table('row')
                if name == _published_rows() and is_of_customers
                else 'select * from ' ~ name ~ ' as whole where whole.'
                ~ ('customer_id' if table.is_crosswalk and is_of_customers else table.key)
                ~ ' in (select ' ~ ('customer_id' if is_of_customers else 'planfix_id') ~ ' from '
                ~ changed_cards_table('customer' if is_of_customers else 'card') ~ ')'
                ~ (_and_our_rows(name, table.key, inputs)
                    if table.is_source and is_of_customers else ''),
        }}) -%}
    {%- endfor -%}
    {%- for name, definition in inputs.views.items() -%}
        {%- set ns = namespace(definition=definition) -%}
        {%- for table in inputs.cards -%}
            {%- set ns.definition = modules.re.sub(
                '\\b' ~ modules.re.escape(table) ~ '\\b',
                'pg_temp.' ~ _view_name(table),
                ns.definition,
            ) -%}
        {%- endfor -%}
        {%- for other in inputs.views if other != name
            and modules.re.search('\\b' ~ modules.re.escape(other) ~ '\\b', definition) -%}
            {#- a view on a view: seldom, and not worth the order they would have to be made in -#}
            {{- return(none) -}}
        {%- endfor -%}
        {%- if ns.definition != definition -%}
            {%- do views.update({name: {
                'rendered': adapter.quote(target.database) ~ '.'
                    ~ adapter.quote(name.split('.')[0]) ~ '.' ~ adapter.quote(name.split('.')[1]),
                'identifier': _view_name(name),
                'definition': ns.definition,
            }}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(views) -}}
{% endmacro %}


{#- A row of ours that the CRM gave to another client is still to be compared with what we wrote. Not
    an `or`, which would keep both conditions from their indexes. -#}
{% macro _and_our_rows(name, key, inputs) %}
    {%- set table = name.split('.')[1] -%}
    {%- if _published_rows() in inputs.cards and table in live_tables()
        and publish_tables()[table]['row_id'] -%}
        {{- return(
            ' union all select * from ' ~ name ~ ' as whole where whole.id in (select row_id from '
            ~ changed_cards_table('row') ~ ') and not exists (select from '
            ~ changed_cards_table('customer') ~ ' as changed where changed.customer_id = whole.'
            ~ key ~ ')'
        ) -}}
    {%- endif -%}
    {{- return('') -}}
{% endmacro %}


{% macro _published_rows() %}
    {{- return(state_schema() ~ '.published_rows') -}}
{% endmacro %}


{#- As the table is called, for views name its columns so; the live tables, over which there is no
    view, apart from the ready ones of the same names. -#}
{% macro _view_name(name) %}
    {%- set schema, identifier = name.replace('"', '').split('.') -%}
    {{- return(('live__' if schema == live_schema() else '') ~ identifier) -}}
{% endmacro %}
