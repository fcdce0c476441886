"""Commands that make pictures. Each module has ``add_commands(commands, shared)``; `runner` is what they share."""
