{#-
    A baseline of the first builds of this project keeps md5 hashes of 128 bits. Groups that the CRM
    still has as they were written get the hash of today; the others a number that equals nothing, so
    that a difference goes to a person and nothing is overwritten.
-#}
{% macro convert_group_hashes() %}
    {%- set published_rows = state_relation('published_rows') -%}
    {%- set type = run_query(
        "select format_type(atttypid, null) from pg_attribute "
        ~ "where attrelid = '" ~ published_rows ~ "'::regclass and attname = 'group_hashes'"
    ).rows[0][0] -%}
    {%- if type == 'uuid[]' -%}
        {#- a model that reads the column: this build makes it again, which dbt must know -#}
        {%- for row in run_query(
            "select distinct pg_namespace.nspname, pg_class.relname from pg_depend "
            ~ "inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid "
            ~ "inner join pg_class on pg_rewrite.ev_class = pg_class.oid "
            ~ "inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid "
            ~ "where pg_depend.refobjid = '" ~ published_rows ~ "'::regclass "
            ~ "and pg_class.relname = 'publish_trace_live_rows'"
        ) -%}
            {%- do adapter.drop_relation(api.Relation.create(
                database=target.database, schema=row[0], identifier=row[1], type='view'
            )) -%}
        {%- endfor -%}
        {%- do run_in_transaction(
            _convert_group_hashes_sql(published_rows), 'baseline converted to shorter hashes'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _convert_group_hashes_sql(published_rows) %}
{%- set tables = publish_tables() -%}
    create temporary table converted_hashes on commit drop as
    {%- for table, spec in tables.items() %}
    select
        known.table_name,
        known.row_key,
        (
            select
                array_agg(
                    case when side.written = side.present then side.converted else 0 end
                    order by side.group_position
                )
            from
                unnest(
                    known.group_hashes,
                    array[
                        {%- for columns in spec['groups'].values() %}
                        {{ long_group_hash(columns, 'live') }}{{ ',' if not loop.last }}
                        {%- endfor %}
                    ],
                    {{ group_hashes(table, 'live') }}
                ) with ordinality as side (written, present, converted, group_position)
            where side.group_position <= cardinality(known.group_hashes)
        ) as group_hashes
    from {{ published_rows }} as known
    inner join {{ live_relation(table) }} as live
        on {{ row_id(table, 'live') }} = known.row_id
    where known.table_name = '{{ table }}'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %};

    alter table {{ published_rows }} alter column group_hashes type bigint[]
    using array_fill(0::bigint, array[cardinality(group_hashes)]);

    update {{ published_rows }} as known
    set group_hashes = converted.group_hashes
    from converted_hashes as converted
    where known.table_name = converted.table_name and known.row_key = converted.row_key;

    -- what a rollback would put back
    update {{ state_relation('row_changes') }}
    set
        before_published = before_published || jsonb_build_object(
            'group_hashes',
            array_fill(0::bigint, array[jsonb_array_length(before_published -> 'group_hashes')])
        )
    where before_published is not null;
{% endmacro %}
