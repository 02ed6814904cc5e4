{{ python_function_requests('html_to_text', [
    {
        'relation': ref('int_contact_notes__collected') ~ ' as notes',
        'html': 'body',
        'where': 'has_markup and not exists (select from '
            ~ ref('int_contact_notes__surplus')
            ~ ' as surplus where surplus.note_key = notes.note_key)',
    },
], is_distinct=true) }}
