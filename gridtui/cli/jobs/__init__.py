"""`gridtui job`, verb by verb. Each module loads when one of its verbs is called: `job list` must not wait for what `job dispatch` needs."""
