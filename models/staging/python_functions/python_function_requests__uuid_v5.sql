{{ python_function_requests('uuid_v5', [
    {
        'relation': ref('int_contacts__normalized'),
        'name': "'planfix:' || planfix_id",
        'where': 'exclusion_reason is null',
    },
]) }}
