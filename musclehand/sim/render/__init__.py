"""Pictures and films of a recording, drawn without a screen."""
