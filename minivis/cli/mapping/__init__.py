"""The commands that map what a network knows: neighbours, maps of codes, patches."""
