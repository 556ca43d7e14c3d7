"""Staff pages of analytics. None of them loads the text libraries."""
