{#-
    Names everything that the rows of this model follow from: its compiled query and configuration,
    the project's database functions, settings of the session, and each relation it reads, through
    views down to tables. Two equal fingerprints mean equal rows. None when that cannot be told: a
    query that asks for the time or names the run, an input that is no table of this server.

    A table is recognised
      - by the note of its own inputs, when this project built it as a model;
      - by its content, when it is a seed (dbt loads those anew in each run);
      - else (raw, state, the CRM's tables) by address and writing transaction of each row, which
        no change of any kind leaves as they were; of raw tables, the rows of finished loads. Of live
        tables and the baseline it is known what was written when (source_customer_version).
-#}
{% macro inputs_fingerprint(query) %}
    {%- if not execute or setting('reuse_tables') | lower != 'true' -%}{{- return(none) -}}{%- endif -%}
    {%- set parts = own_inputs(query) -%}
    {%- if names_the_moment(parts[0]) -%}{{- return(none) -}}{%- endif -%}
    {%- set versions = input_versions(parent_names()) -%}
    {%- if versions is none -%}{{- return(none) -}}{%- endif -%}
    {{- return(local_md5((parts + versions) | join('\n'))) -}}
{% endmacro %}


{#- What the rows follow from beside the relations read: query, configuration, database functions. -#}
{% macro own_inputs(query) %}
    {%- set query = query | replace(run_started_at.isoformat(), '') -%}
    {#- what the model remembers of its last version (first_seen) is no input -#}
    {%- set own_past = graph.get('own_past_' ~ invocation_id, {}).get(model.unique_id) -%}
    {%- if own_past -%}{%- set query = query | replace(own_past, '') -%}{%- endif -%}
    {%- set parts = [
        query,
        tojson(model.config, sort_keys=true),
        tojson(model.columns, sort_keys=true),
    ] -%}
    {%- for function_node in graph.functions.values() -%}
        {%- do parts.append(python_function_version(function_node)) -%}
    {%- endfor -%}
    {#- by their text: the first models of a new database are built before they are there -#}
    {%- do parts.append(local_md5(_matching_functions_ddl())) -%}
    {%- if names_the_day(query) -%}{%- do parts.append(current_day()) -%}{%- endif -%}
    {{- return(parts) -}}
{% endmacro %}


{#- The relations that the model or test being run reads, quoted. -#}
{% macro parent_names() %}
    {%- set names = [] -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set node = graph.nodes.get(unique_id) or graph.sources.get(unique_id) -%}
        {%- if node and node.relation_name -%}
            {%- do names.append(node.relation_name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}


{#- The version of each table that these relations are or read; none when one has none. -#}
{% macro input_versions(relations, refused_schemas=[]) %}
    {%- set versions = [] -%}
    {#- which loads are finished is part of what each raw table shows -#}
    {%- for row in run_query(_inputs_sql(relations)).rows if not row['name'].endswith('._dlt_loads') -%}
        {%- if row['kind'] == 'moment' or row['schema'] in refused_schemas -%}
            {{- return(none) -}}
        {%- elif is_source_by_customer(row['name']) -%}
            {%- set version = source_customer_version(row['name']) -%}
        {%- elif row['schema'] in raw_schemas() and row['kind'] == 'rows' -%}
            {%- set version = shown_rows_version(row['schema'], row['name']) -%}
        {%- elif row['kind'] == 'content' or row['kind'] == 'rows' -%}
            {%- set version = _table_fingerprint(row['name'], row['kind']) -%}
        {%- else -%}
            {%- set version = row['fingerprint'] -%}
        {%- endif -%}
        {%- do versions.append(row['name'] ~ '=' ~ version) -%}
        {%- if row['definition'] and names_the_day(row['definition']) -%}
            {%- do versions.append(current_day()) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(versions) -}}
{% endmacro %}


{#- A day is fine (the day is an input), a moment or the name of the run is new every time. -#}
{% macro names_the_moment(query) %}
    {%- set moments = [
        'now()', 'clock_timestamp', 'current_timestamp', 'random()', invocation_id,
    ] -%}
    {%- for moment in moments if moment in query | lower -%}
        {{- return(true) -}}
    {%- endfor -%}
    {{- return(false) -}}
{% endmacro %}


{#- Only what asks for the day is built anew on another one. -#}
{% macro names_the_day(query) %}
    {{- return('current_date' in query | lower) -}}
{% endmacro %}


{% macro current_day() %}
    {%- set known = graph.setdefault('day_' ~ invocation_id, []) -%}
    {%- if not known -%}
        {%- do known.append(run_query('select current_date::text').rows[0][0]) -%}
    {%- endif -%}
    {{- return(known[0]) -}}
{% endmacro %}


{% macro _inputs_sql(parents) %}
with recursive reads (oid) as (
    select to_regclass(parent)::oid
    from unnest(array[{{ "'" ~ parents | join("', '") ~ "'" if parents }}]::text[]) as parent
    union
    select depends.refobjid
    from reads
    inner join pg_rewrite on pg_rewrite.ev_class = reads.oid
    inner join pg_depend as depends
        on depends.classid = 'pg_rewrite'::regclass
        and depends.objid = pg_rewrite.oid
        and depends.refclassid = 'pg_class'::regclass
),

inputs as (
    select
        format('%I.%I', pg_namespace.nspname, pg_class.relname) as name,
        pg_class.relkind,
        pg_namespace.nspname,
        case when pg_class.relkind = 'v' then pg_get_viewdef(pg_class.oid) end as definition,
        substring(obj_description(pg_class.oid, 'pg_class') from 'version=(\w+)') as version,
        substring(obj_description(pg_class.oid, 'pg_class') from 'rules=(\w+)') as rules
    from reads
    left join pg_class on reads.oid = pg_class.oid
    left join pg_namespace on pg_class.relnamespace = pg_namespace.oid
)

select
    coalesce(name, '?') as name,
    coalesce(nspname, '') as schema,
    case
        when definition ~* '\m(now\(\)|clock_timestamp|current_timestamp)' then 'moment'
        when definition is not null or version is not null then 'note'
        when relkind = 'r' and nspname ~ '(^|_)seeds$' then 'content'
        when relkind = 'r' then 'rows'
        else 'moment'
    end as kind,
    coalesce(md5(definition), version) as fingerprint,
    definition,
    rules
from inputs
union all
select
    '',
    '',
    'note',
    md5(current_setting('server_version') || current_setting('TimeZone')),
    null,
    null
order by 1
{% endmacro %}


{#- Kept for the length of one invocation (a process may run several): raw and state are read by many
    models. What the publisher writes is read by no table after it. -#}
{% macro _table_fingerprint(name, kind) %}
    {%- set known = graph.setdefault('table_fingerprints_' ~ invocation_id, {}) -%}
    {%- if name not in known -%}
        {%- do known.update({name: run_query(
            table_content_sql(name) if kind == 'content' else
            "select count(*) || ':' || coalesce(sum(" ~ row_hash('row(ctid, xmin)')
            ~ "::numeric), 0) from " ~ name
        ).rows[0][0]}) -%}
    {%- endif -%}
    {{- return(known[name]) -}}
{% endmacro %}


{% macro table_content_sql(relation) %}
    {{- return(
        "select md5(count(*) || ':' || coalesce(sum(hashtextextended(content::text, 0)::numeric), 0) "
        ~ "|| ':' || coalesce(sum(hashtextextended(content::text, 1)::numeric), 0)) from "
        ~ relation ~ " as content"
    ) -}}
{% endmacro %}
