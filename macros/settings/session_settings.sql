{#- Before every model. Measured on 200,000 contacts, PostgreSQL 15, two cores:
      jit                  compiles each of some hundred expressions of a wide select for seconds
                           and saves less (on by default up to 18);
      parallel_tuple_cost  with the default the planner keeps a `create table as` of all contacts
                           on one core, because every row passes to the leader (17.6 s instead of
                           12.2 s for unpacking them);
      work_mem             bounds the server's memory: each sort or hash of each process;
      default_statistics_target
                           a sample of 6,000 rows tells joins of whole tables apart as well as one
                           of 30,000; the larger one was an eighth of the time of wide tables. -#}
{% macro session_settings() %}
    {{- return(
        'set local jit = off; '
        ~ 'set local parallel_setup_cost = 100; '
        ~ 'set local parallel_tuple_cost = 0.01; '
        ~ 'set local default_statistics_target = 20; '
        ~ "set local work_mem = '" ~ setting('work_mem') ~ "'"
    ) -}}
{% endmacro %}
