"""The command line: a thin face over `fleet`. Knows no Textual but through the two commands that open the dashboard."""
