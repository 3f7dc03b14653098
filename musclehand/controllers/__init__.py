"""Who plays: the hands-free keyboard and computed muscle control, behind one interface."""
