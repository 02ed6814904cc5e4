{#-
    The first builds of this project gave rows of one customer keys that lay all over, and its baseline
    a key that began with the table. A live row keeps its id, by which the baseline finds it; what
    has none is found by the key itself.
-#}
{% macro convert_row_keys() %}
    {%- set published_rows = state_relation('published_rows') -%}
    {%- set old_key = run_query(
        "select conname from pg_constraint inner join pg_attribute "
        ~ "on attrelid = conrelid and attnum = conkey[1] "
        ~ "where conrelid = '" ~ published_rows ~ "'::regclass and contype = 'p' "
        ~ "and attname = 'table_name'"
    ).rows -%}
    {%- if old_key -%}
        {%- do run_in_transaction(
            _convert_row_keys_sql(published_rows, old_key[0][0]), 'baseline converted to keys by customer'
        ) -%}
    {%- endif -%}
{% endmacro %}


{% macro _convert_row_keys_sql(published_rows, old_key) %}
{%- set converted = [] -%}
{%- for table, spec in publish_tables().items()
    if 'customer_id' in spec['natural'] and table != 'customers' -%}
    {%- do converted.append(table) -%}
{%- endfor -%}
{%- set of_customers = "table_name in ('" ~ converted | join("', '") ~ "')" -%}
{%- set new_key = beside_customer("replace(row_key::text, '-', '')", 'customer_id') -%}
    create temporary table converted_keys on commit drop as
    select
        table_name,
        row_key,
        {{ new_key }} as new_key
    from {{ published_rows }}
    where {{ of_customers }}
    union
    select
        table_name,
        row_key,
        {{ new_key }}
    from {{ state_relation('row_changes') }}
    where {{ of_customers }};

    alter table {{ published_rows }} drop constraint {{ adapter.quote(old_key) }};

    {%- for state in [published_rows, state_relation('row_changes')] %}
    update {{ state }} as known
    set
        {%- if not loop.first %}
        before_published = before_published || jsonb_build_object(
            'row_key', converted.new_key,
            'row_id', case
                when known.table_name = 'customer_tags' then converted.new_key::text
                else before_published ->> 'row_id'
            end
        ),
        {%- endif %}
        row_key = converted.new_key,
        row_id = case
            when known.table_name = 'customer_tags' then converted.new_key else known.row_id
        end
    from converted_keys as converted
    where known.table_name = converted.table_name and known.row_key = converted.row_key;
    {%- endfor %}

    alter table {{ published_rows }} add primary key (row_key, table_name);
{% endmacro %}
