"""Readers and writers of EMG files."""
