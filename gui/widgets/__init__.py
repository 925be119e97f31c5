"""Parts that know nothing of the program: labels, pills, bars. All of their text is plain text."""
