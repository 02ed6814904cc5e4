{#- "Петрович" is a family name too, among southern Slavs: only as a second or third word of a full
    name does the ending tell, and only that is asked. -#}
{% macro is_patronymic(word) -%}
    coalesce(
        lower({{ word }}) ~ '.{2}(ович|евич|ьич|овна|евна|ична|инична|ovich|evich|ovna|evna|ichna)$',
        false
    )
{%- endmacro %}
