"""The Connections page: the list, what is selected, and the forms that change it."""
