{#-
    Fingerprint of everything that the verdict of this data test follows from: its query and
    configuration, and the version of each relation it reads. None when that cannot be told, so that
    the test is run: an input that this invocation neither built nor left as it was, a query that
    asks for the time, whatever reads live tables or state, which publishing writes meanwhile.
-#}
{% macro test_inputs() %}
    {%- if not execute or should_full_refresh() or target.name == 'dry_run'
        or setting('reuse_tables') | lower != 'true'
        or names_the_moment(model.compiled_code) -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set parts = [model.compiled_code, tojson(model.config, sort_keys=true)] -%}
    {%- if names_the_day(model.compiled_code) -%}{%- do parts.append(current_day()) -%}{%- endif -%}
    {%- for unique_id in model.depends_on.nodes -%}
        {%- set version = _input_version(unique_id) -%}
        {%- if not version -%}{{- return(none) -}}{%- endif -%}
        {%- do parts.append(unique_id ~ '=' ~ version) -%}
    {%- endfor -%}
    {{- return(local_md5(parts | join('\n'))) -}}
{% endmacro %}


{% macro _input_version(unique_id) %}
    {%- set known = graph.setdefault('table_versions_' ~ invocation_id, {}) -%}
    {%- if unique_id not in known -%}
        {%- set node = graph.nodes.get(unique_id) or graph.sources.get(unique_id) -%}
        {%- set versions = none -%}
        {%- if node and node.relation_name and node.config.materialized in ('view', 'seed') -%}
            {%- set versions = input_versions(
                [node.relation_name], [live_schema(), state_schema()]
            ) -%}
        {%- endif -%}
        {%- do known.update({
            unique_id: local_md5(versions | join('\n')) if versions is not none
        }) -%}
    {%- endif -%}
    {{- return(known[unique_id]) -}}
{% endmacro %}


{#- Whether the test passed when its inputs were what they are. What passes now is remembered for
    note_passed_tests. -#}
{% macro has_passed(inputs) %}
    {%- set passed = graph.get('passed_tests_' ~ invocation_id) -%}
    {%- if passed is none -%}
        {%- set passed = {} -%}
        {%- for row in run_query('select test_id, inputs from migration.passed_tests').rows -%}
            {%- do passed.update({row['test_id']: row['inputs']}) -%}
        {%- endfor -%}
        {%- do graph.update({'passed_tests_' ~ invocation_id: passed}) -%}
    {%- endif -%}
    {%- if passed.get(model.unique_id) == inputs -%}{{- return(true) -}}{%- endif -%}
    {%- do graph.setdefault('tested_' ~ invocation_id, {}).update({model.unique_id: inputs}) -%}
    {{- return(false) -}}
{% endmacro %}


{#-
    The query of this test over the cards, or customers, that changed since it passed; none where it has
    to go over all. A key that holds the card's number or the customer can be broken within one of them
    only; another test says with `meta: {asked_by: card}` (or customer) that it judges each by itself.
    What the changes make is gone with the connection of the test.
-#}
{% macro test_of_changed_cards(query) %}
    {%- set unit = _asked_by() -%}
    {%- if not unit -%}{{- return(none) -}}{%- endif -%}
    {%- set cards = card_inputs(query) -%}
    {%- if not (cards and cards.cards) -%}{{- return(none) -}}{%- endif -%}
    {%- do graph.setdefault('tested_cards_' ~ invocation_id, {}).update({model.unique_id: cards}) -%}
    {%- set of_changed = of_changed_cards(query, cards, model.unique_id, 'passed', unit) -%}
    {{- return(of_changed.query if of_changed) -}}
{% endmacro %}


{% macro _asked_by() %}
    {%- set asked = model.get('test_metadata') or {} -%}
    {%- set arguments = asked.get('kwargs', {}) -%}
    {%- if asked.get('name') == 'is_key' -%}
        {%- set key = [arguments.column_name] -%}
    {%- elif asked.get('name') == 'unique_combination' -%}
        {%- set key = arguments.columns -%}
    {%- else -%}
        {%- set key = [] -%}
    {%- endif -%}
    {%- set said = (model.config.get('meta') or {}).get('asked_by') -%}
    {%- if said or 'planfix_id' in key -%}
        {{- return(said or 'card') -}}
    {%- endif -%}
    {{- return('customer' if 'customer_id' in key) -}}
{% endmacro %}


{#- on-run-end: keeps what each test that passed had read. -#}
{% macro note_passed_tests(results) %}
    {%- set tested = graph.get('tested_' ~ invocation_id, {}) -%}
    {%- set tested_cards = graph.get('tested_cards_' ~ invocation_id, {}) -%}
    {%- set rows, builds = [], [] -%}
    {%- for result in results
        if result.node.unique_id in tested
        and result.status == 'pass' and result.failures == 0 -%}
        {%- do rows.append(
            "('" ~ result.node.unique_id ~ "', '" ~ tested[result.node.unique_id] ~ "')"
        ) -%}
        {%- set cards = tested_cards.get(result.node.unique_id) -%}
        {%- if cards -%}
            {%- do builds.append(card_build_row(result.node.unique_id, 'passed', cards)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if rows -%}
        {%- do run_in_transaction(
            'insert into migration.passed_tests (test_id, inputs) values '
            ~ rows | join(', ')
            ~ ' on conflict (test_id) do update set inputs = excluded.inputs, passed_at = now();'
            ~ (note_card_builds_sql(builds) if builds else '')
        ) -%}
    {%- endif -%}
{% endmacro %}
