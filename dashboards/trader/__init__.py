"""The traders' notebook: blotter, positions, P&L, a ticket and the commands, as widgets over the gateway's client."""


def show() -> None:
    """Display the trading desk in the notebook that calls this, and keep it live."""
    from .desk import open_desk

    open_desk()
