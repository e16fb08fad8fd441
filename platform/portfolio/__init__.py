"""The ledger of positions, cash, fees and profit, and the service that keeps it."""
