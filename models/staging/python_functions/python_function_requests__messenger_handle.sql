{{ python_function_requests('messenger_handle', [
    {
        'relation': ref('int_contact_points__collected'),
        'channel': 'channel',
        'raw': 'raw_value',
        'where': "channel not in ('phone', 'email')",
    },
]) }}
