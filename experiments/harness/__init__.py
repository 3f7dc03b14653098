"""What the experiments share: results pages, results on file, the command line."""
