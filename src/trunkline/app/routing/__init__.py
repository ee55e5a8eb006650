"""Which handler a request leads to: paths, the routes behind them, and small HTTP."""
