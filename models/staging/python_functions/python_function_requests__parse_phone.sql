{{ python_function_requests('parse_phone', [
    {
        'relation': ref('int_contact_points__collected'),
        'raw': 'raw_value',
        'region': 'region_code',
        'where': "channel in ('phone', 'whatsapp', 'viber')",
    },
    {
        'relation': ref('int_trips__collected'),
        'raw': 'phone_text',
        'region': "'" ~ setting('default_region') ~ "'",
    },
    {
        'relation': ref('stg_planfix__users')
            ~ ' cross join lateral jsonb_array_elements(phones) as items (item)',
        'raw': "item ->> 'number'",
        'region': "'" ~ setting('default_region') ~ "'",
    },
]) }}
