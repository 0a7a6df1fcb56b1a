"""TradingBoost: one strategy kernel for backtest, paper and live, and the platform that serves it."""

__version__ = "0.1.0"
