"""From files to windows: recordings, data sets, preprocessing, windows, features and splits."""
