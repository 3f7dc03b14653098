"""`musclehand emg`: recordings of EMG."""
