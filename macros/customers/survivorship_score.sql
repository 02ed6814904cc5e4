{% macro survivorship_score(step) %}
    case {{ step }}
        when 'source_order' then source_score
        when 'most_recent' then recency_score
        when 'oldest_record' then age_score
        when 'most_complete' then completeness_score
        when 'most_frequent' then frequency_score
        when 'longest' then length_score
        when 'shortest' then -length_score
        when 'earliest_value' then earliest_score
        when 'latest_value' then -earliest_score
        when 'personal_first' then personal_score
        when 'mobile_first' then mobile_score
        else 0
    end
{%- endmacro %}
