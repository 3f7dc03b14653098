"""Signal processing of EMG: filters, envelopes, onsets, quality, spectra, synergies."""
