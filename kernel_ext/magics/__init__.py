"""``%ms`` and ``%%ms``: Millstream's commands in a notebook, as the person the kernel belongs to."""

from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class
from pydantic import ValidationError

from millstream.client import AuthenticationError
from millstream.contracts.errors import InputError, MillstreamError

from .commands import ALIASES, COMMANDS, overview
from .completion import IDENTIFIER, Completer, matcher, matcher_id
from .grammar import words_of
from .session import Session
from .views import Lines, trouble

LOG_IN = "Log in again at {url}/login, then restart this kernel: it gets a new token when it starts."
HELP = {"help", "--help", "-h"}


@magics_class
class MillstreamMagics(Magics):
    """Adds ``%ms`` and ``%%ms`` to a shell."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.session = Session(shell)

    @line_cell_magic
    def ms(self, line: str, cell: str | None = None) -> Any:
        """Run a Millstream command; ``%ms`` alone lists them, ``%ms COMMAND --help`` its words.

        An error shows its message and what to do, without a traceback, and leaves the kernel as it was.
        """
        try:
            return self._run(words_of(line), cell)
        except AuthenticationError as error:
            self.session.show(trouble(str(error), LOG_IN.format(url=self.session.client.url)))
        except MillstreamError as error:
            self.session.show(trouble(str(error), error.hint))
        except ValidationError as error:
            faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            self.session.show(trouble("; ".join(faults), "Correct what is named."))
        return None

    def _run(self, words: list[str], cell: str | None) -> Any:
        if not words or words[0] in HELP:
            self.session.show(Lines(overview()))
            return None
        name = ALIASES.get(words[0], words[0])
        command = COMMANDS.get(name)
        if command is None:
            raise InputError(f"%ms {name} is not offered in a notebook", hint="%ms alone lists what there is.")
        if HELP & set(words[1:]):
            self.session.show(Lines(command.usage()))
            return None
        if cell is not None and not command.takes_cell:
            raise InputError(f"%%ms {name} takes no cell", hint=f"Write %ms {name} with one percent sign.")
        self.session.cell = cell
        return command.run(self.session, command.parse(words[1:]))


def install(shell: Any) -> None:
    """Register magics and completion in an IPython shell."""
    magics = MillstreamMagics(shell)
    shell.register_magics(magics)
    others = [one for one in shell.Completer.custom_matchers if matcher_id(one) != IDENTIFIER]
    shell.Completer.custom_matchers = [*others, matcher(Completer(magics.session))]


__all__ = ["COMMANDS", "MillstreamMagics", "install"]
