{{ python_function_requests('parse_email', [
    {
        'relation': ref('int_contact_points__collected'),
        'raw': 'raw_value',
        'where': "channel = 'email'",
    },
    {'relation': ref('int_trips__collected'), 'raw': 'email_text'},
    {'relation': ref('stg_planfix__users'), 'raw': 'email'},
]) }}
