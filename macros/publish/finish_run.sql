{#-
    on-run-end: a run that began to publish and did not come to its end has failed; and where a
    gate stops the build, what it found and what to do about it, which a test cannot say.
-#}
{% macro finish_run(results) %}
    {%- if execute -%}
        {%- do end_run('failed') -%}
        {%- set built = {} -%}
        {%- for result in results
            if result.node.resource_type == 'model' and result.status == 'success' -%}
            {%- do built.update({result.node.name: result.node.relation_name}) -%}
        {%- endfor -%}
        {%- if 'migration_gates' in built -%}
            {%- for row in run_query(
                "select gate, sentence from " ~ built['migration_gates']
                ~ " where not passed order by gate"
            ).rows -%}
                {%- do log('gate ' ~ row['gate'] ~ ': ' ~ row['sentence'], info=true) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if 'publish_blast_radius' in built -%}
            {%- for row in run_query(
                "select gate, how_to_look, how_to_allow from " ~ built['publish_blast_radius']
                ~ " where not passed order by gate"
            ).rows -%}
                {%- do log(
                    'gate ' ~ row['gate'] ~ ', to look: ' ~ row['how_to_look'] ~ ';', info=true
                ) -%}
                {%- do log(
                    'gate ' ~ row['gate'] ~ ', to allow: ' ~ row['how_to_allow'], info=true
                ) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
