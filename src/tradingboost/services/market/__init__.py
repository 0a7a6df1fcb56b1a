"""Market: instruments, candles and prices; one public stream serves every user."""
