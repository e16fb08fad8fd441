"""From a notebook to a registered, deployed release."""
