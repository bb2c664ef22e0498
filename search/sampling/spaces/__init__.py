"""The built-in search spaces, one TOML file each."""
