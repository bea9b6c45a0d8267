"""Numbers of this hall: periods, frozen months, what is told to the halls above."""
