"""The command line: the options and help of each command, a module a command."""
