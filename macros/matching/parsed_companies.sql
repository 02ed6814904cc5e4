{#- CTEs that read a table of name tokens and end in `parsed_companies`: one row per key with the
    core of a company's name: legal form, quotes, punctuation, script and order of the words folded.

    `tokens` is a CTE with the columns named_key, token_position, token, skeleton. -#}
{% macro parsed_companies(tokens) %}
legal_forms as (

    select
        legal_form,
        min(legal_form_group) as legal_form_group
    from {{ ref('company_legal_forms') }}
    group by legal_form

),

void_companies as (

    select distinct lower(value) as void_name
    from {{ ref('void_values') }}
    where value_kind = 'company'

),

company_words as (

    select
        {{ tokens }}.named_key,
        {{ tokens }}.token_position,
        {{ tokens }}.token,
        {{ tokens }}.skeleton,
        legal_forms.legal_form_group,
        legal_forms.legal_form is not null
        or {{ tokens }}.token in ('и', 'and', 'the', 'of') as is_dropped
    from {{ tokens }}
    left join legal_forms
        on btrim({{ tokens }}.token, '''’-') = legal_forms.legal_form
    where {{ tokens }}.skeleton <> ''

),

company_cores as (

    select
        named_key,
        array_agg(skeleton order by skeleton collate "C")
            filter (where not is_dropped) as core_words,
        string_agg(skeleton, '' order by token_position)
            filter (where not is_dropped) as core_text,
        array_agg(skeleton order by skeleton collate "C") as every_word,
        string_agg(skeleton, '' order by token_position) as every_text,
        string_agg(token, ' ' order by token_position)
            filter (where not is_dropped) as written_core,
        string_agg(token, ' ' order by token_position) as written,
        min(legal_form_group) filter (where legal_form_group <> 'company')
            as legal_form_group
    from company_words
    group by named_key

),

parsed_companies as (

    select
        company_cores.named_key,
        case when void_companies.void_name is null
            then array_to_string(coalesce(core_words, every_word), ' ')
        end as company_key,
        coalesce(core_words, every_word) as company_words,
        coalesce(core_text, every_text) as company_text,
        company_cores.legal_form_group
    from company_cores
    left join void_companies
        on coalesce(company_cores.written_core, company_cores.written)
            = void_companies.void_name

)
{% endmacro %}
