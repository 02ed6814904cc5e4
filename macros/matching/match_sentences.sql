{#- What a name grade means, in words. -#}
{% macro name_grade_text(name_grade) -%}
    case {{ name_grade }}
        when 4 then 'the names are equal in full'
        when 3 then 'the names are alike'
        when 2 then 'an initial fits the other name'
        when 1 then 'a part of the name is missing, the rest fits'
        when 0 then 'a card has no name'
        when -1 then 'the names contradict each other'
        else 'the names were not compared'
    end
{%- endmacro %}


{#- What a contradiction means, in a sentence. -#}
{% macro contradiction_sentence(reason_code) -%}
    case {{ reason_code }}
        when 'names' then 'The names on the two cards contradict each other.'
        when 'sexes' then 'One card is a man''s, the other a woman''s.'
        when 'birth_dates' then 'The two cards show different birth dates.'
        when 'registration_numbers'
            then 'The two companies have different registration numbers.'
        when 'channels'
            then 'Each side has phones and mails of its own and shares none with the other.'
        when 'decision' then 'A person decided that the two cards are different clients.'
    end
{%- endmacro %}
