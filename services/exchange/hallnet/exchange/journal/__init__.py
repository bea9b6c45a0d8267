"""The hall's journal and what is known of its end and its neighbours' journals."""
