"""The gateway: REST, live events and identity over HTTP; everything a person does from a screen passes here."""
