"""What each command does with its arguments: files and exit codes; no mathematics."""
