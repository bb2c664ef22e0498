"""What each command does and prints, a module a command."""
