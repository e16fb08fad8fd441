"""Where orders are executed: one abstract class, the paper venue, later those of ccxt."""
