{#-
    Inputs of a query that is asked card by card, in two parts:
      - `cards`: the version of each table of which it is known what cards changed between versions
        (models and raw tables with `meta: by_card`), by name;
      - `rest`: one fingerprint of all else. With the same rest, the rows of a card differ from
        those of the last time only where the card changed in one of the `cards`.
    Tables with `meta: is_reference` (small, whole in every extract) are part of the rest by what they
    say, not by who brought them when, which no model by card may ask. Tables of words (`words_of`)
    are part of it by their rules: a word that is new is one of a card that changed.
    `views` are the views on the way to the tables. None where any input cannot be told.
-#}
{% macro card_inputs(query) %}
    {%- set known = tables_by_card() -%}
    {%- set rest, cards, views = own_inputs(query), {}, {} -%}
    {%- for row in run_query(_inputs_sql(parent_names())).rows -%}
        {%- set name = row['name'] -%}
        {%- if row['kind'] == 'moment' -%}
            {{- return(none) -}}
        {%- elif name in known -%}
            {%- if not known[name].is_source -%}
                {%- set version = row['fingerprint'] -%}
            {%- elif known[name].unit == 'customer' -%}
                {%- set version = source_customer_version(name) -%}
            {%- else -%}
                {%- set version = source_card_version(name) -%}
            {%- endif -%}
            {%- do cards.update({name: version}) -%}
        {%- elif row['schema'] in raw_schemas() -%}
            {#- which loads are finished is part of what each of its tables shows -#}
            {%- if not name.endswith('._dlt_loads') -%}
                {%- set is_reference = name in _reference_tables() -%}
                {%- do rest.append(name ~ '=' ~ (
                    _reference_version(row['schema'], name) if is_reference
                    else shown_rows_version(row['schema'], name)
                )) -%}
            {%- endif -%}
        {%- elif row['kind'] in ('content', 'rows') -%}
            {%- do rest.append(name ~ '=' ~ _table_fingerprint(name, row['kind'])) -%}
        {%- elif row['fingerprint'] -%}
            {%- do rest.append(name ~ '=' ~ (row['rules'] or row['fingerprint'])) -%}
            {%- if row['definition'] -%}{%- do views.update({name: row['definition']}) -%}{%- endif -%}
        {%- else -%}
            {{- return(none) -}}
        {%- endif -%}
    {%- endfor -%}
    {%- do _add_crosswalk(cards) -%}
    {{- return({'rest': local_md5(rest | join('\n')), 'cards': cards, 'views': views}) -}}
{% endmacro %}


{#- Who reads tables by card and by customer follows the crosswalk too, in whose company they were
    made, whether it reads it or not. -#}
{% macro _add_crosswalk(cards) %}
    {%- set known, units = tables_by_card(), [] -%}
    {%- for name in cards -%}
        {%- do units.append(known[name].unit) -%}
    {%- endfor -%}
    {%- if units | unique | list | length > 1 -%}
        {%- for name, table in known.items() if table.is_crosswalk and name not in cards -%}
            {%- for row in run_query(_inputs_sql([table.rendered])).rows if row['name'] == name -%}
                {%- do cards.update({name: row['fingerprint']}) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{#- Models and raw tables whose changes are known card by card, or customer by customer, by their
    name in the database. -#}
{% macro tables_by_card() %}
    {%- set known = graph.get('tables_by_card_' ~ invocation_id) -%}
    {%- if known is none -%}
        {%- set known = {} -%}
        {%- for node in graph.nodes.values() if by_card(node) -%}
            {%- set meta = node.config.meta -%}
            {%- set unit = 'customer' if meta.get('by_customer') else 'card' -%}
            {%- do known.update({node.schema ~ '.' ~ node.alias: {
                'rendered': node.relation_name, 'is_source': false,
                'unit': unit, 'is_crosswalk': meta.get('is_crosswalk', false),
                'key': meta.get('customer_key', 'customer_id') if unit == 'customer'
                    else 'planfix_id',
            }}) -%}
        {%- endfor -%}
        {%- for node in graph.sources.values() if by_card(node) -%}
            {%- do known.update({node.schema ~ '.' ~ node.identifier: {
                'rendered': node.relation_name, 'is_source': true,
                'unit': 'customer' if node.config.meta.get('by_customer') else 'card',
                'is_crosswalk': false, 'key': by_card(node),
            }}) -%}
        {%- endfor -%}
        {%- do graph.update({'tables_by_card_' ~ invocation_id: known}) -%}
    {%- endif -%}
    {{- return(known) -}}
{% endmacro %}


{% macro by_card(node) %}
    {%- set meta = node.config.get('meta') or {} -%}
    {{- return(meta.get('by_card') or meta.get('by_customer')) -}}
{% endmacro %}


{#- Schemas that dlt writes: asked for each input of each node, and so looked up once. -#}
{% macro raw_schemas() %}
    {%- set schemas = graph.get('raw_schemas_' ~ invocation_id) -%}
    {%- if schemas is none -%}
        {%- set schemas = [] -%}
        {%- for node in graph.sources.values() if node.identifier == '_dlt_loads' -%}
            {%- do schemas.append(node.schema) -%}
        {%- endfor -%}
        {%- do graph.update({'raw_schemas_' ~ invocation_id: schemas}) -%}
    {%- endif -%}
    {{- return(schemas) -}}
{% endmacro %}


{#- Version of what a raw table shows: its rows of finished loads, by address and transaction. -#}
{% macro shown_rows_version(schema, name) %}
    {{- return(_shown_rows_version(
        schema, name, row_hash('row(shown.ctid, shown.xmin)')
    )) -}}
{% endmacro %}


{#- By what they say, whichever load brought them. -#}
{% macro _reference_version(schema, name) %}
    {{- return(_shown_rows_version(
        schema,
        name,
        "hashtextextended((to_jsonb(shown) - '{_dlt_load_id,_dlt_id,run_id,fetched_at}'::text[])::text, 0)"
    )) -}}
{% endmacro %}


{% macro _shown_rows_version(schema, name, row_hash) %}
    {%- set known = graph.setdefault('shown_rows_' ~ invocation_id, {}) -%}
    {%- if name ~ row_hash not in known -%}
        {%- do known.update({name ~ row_hash: run_query(
            "select count(*) || ':' || coalesce(sum(" ~ row_hash ~ "::numeric), 0) from "
            ~ name ~ ' as shown where ' ~ _is_shown(schema)
        ).rows[0][0]}) -%}
    {%- endif -%}
    {{- return(known[name ~ row_hash]) -}}
{% endmacro %}


{% macro _is_shown(schema) %}
    {{- return(
        '_dlt_load_id in (select load_id from ' ~ schema ~ '._dlt_loads where status = 0)'
    ) -}}
{% endmacro %}


{% macro _reference_tables() %}
    {%- set names = [] -%}
    {%- for node in graph.sources.values() if (node.config.get('meta') or {}).get('is_reference') -%}
        {%- do names.append(node.schema ~ '.' ~ node.identifier) -%}
    {%- endfor -%}
    {{- return(names) -}}
{% endmacro %}
