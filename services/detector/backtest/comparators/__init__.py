"""Off-the-shelf detectors for `backtest --detector NAME`: one file a family, one line each in `registry`."""
