{% macro csv_fields() %}
    {{- return([
        'number', 'name', 'given_name', 'middle_name', 'family_name', 'phone', 'email',
        'telegram', 'whatsapp', 'viber', 'skype', 'facebook', 'instagram', 'vk', 'company',
        'contacts', 'supervisors', 'added_by', 'position', 'website', 'gender_or_type', 'group_name',
        'tags', 'address', 'city', 'country', 'language', 'timezone', 'birth_date',
        'registration_number', 'description', 'created_at', 'updated_at',
    ]) -}}
{% endmacro %}
