"""Split the text of a migration into statements, for both dialects, without understanding more SQL than it must.

The engine runs statements one by one: `executescript()` would commit the open transaction first, and a failure must
name its line. Comments are blanked, so that nested ones, which SQLite does not know, mean the same on both.
"""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<comment>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
    | (?P<word>\w[\w$]*)
    | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<backtick>`(?:[^`]|``)*`)
    | (?P<bracket>\[[^\]]*\])
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_COMPOUND = {"TRIGGER", "FUNCTION", "PROCEDURE"}
# A file is one transaction and the engine owns it; these would end it, or cannot run inside it.
_FORBIDDEN = {
    "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "VACUUM", "ATTACH", "DETACH",
}  # fmt: skip


class Statement(NamedTuple):
    """One statement, without comments and its semicolon; `line` is where it starts in the file, from 1."""

    text: str
    line: int


class SplitError(ValueError):
    """The text cannot be split. `line` is where the trouble starts."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def split(text: str, dialect: str) -> tuple[Statement, ...]:
    """Return the statements of `text` (newlines normalised); raise SplitError where something is left open."""
    return _Splitter(text, dialect).run()


class _Splitter:
    def __init__(self, text: str, dialect: str) -> None:
        self._text = text
        self._sqlite = dialect == "sqlite"
        self._position = 0
        self._line = 1
        self._done: list[Statement] = []
        self._clear()

    def run(self) -> tuple[Statement, ...]:
        while self._position < len(self._text):
            self._step()
        if self._depth:
            raise SplitError(self._start, "a BEGIN without its END")
        self._finish()
        return tuple(self._done)

    def _clear(self) -> None:
        self._pieces: list[str] = []
        self._words: list[str] = []
        self._start = 0
        self._depth = 0
        self._compound = False

    def _step(self) -> None:
        match = _TOKEN.match(self._text, self._position)
        kind = match.lastgroup if match else None
        if match is None or (kind in {"backtick", "bracket"} and not self._sqlite):
            self._take_character()
        elif kind == "space":
            self._take(match.end(), significant=False)
        elif kind == "comment":
            self._blank(match.end())
        elif kind == "block":
            self._blank(self._end_of_block())
        elif kind == "dollar":
            self._take(self._end_of_dollar(match.group()))
        elif kind == "end" and not self._depth:
            self._finish()
            self._position = match.end()
        else:
            if kind == "word":
                self._word(match.group().upper())
            self._take(match.end())

    def _take(self, end: int, *, significant: bool = True) -> None:
        piece = self._text[self._position : end]
        if significant and not self._start:
            self._start = self._line
        if self._start:
            self._pieces.append(piece)
        self._line += piece.count("\n")
        self._position = end

    def _take_character(self) -> None:
        character = self._text[self._position]
        if character in "'\"" or (character == "`" and self._sqlite):
            raise SplitError(self._line, f"a quote {character} that is never closed")
        if character == "\0":
            raise SplitError(self._line, "a NUL character")
        self._take(self._position + 1)

    def _blank(self, end: int) -> None:
        lines = self._text.count("\n", self._position, end)
        if self._start:
            self._pieces.append("\n" * lines or " ")
        self._line += lines
        self._position = end

    def _end_of_block(self) -> int:
        depth = 0
        for edge in _BLOCK_EDGE.finditer(self._text, self._position):
            depth += 1 if edge.group() == "/*" else -1
            if not depth:
                return edge.end()
        raise SplitError(self._line, "a comment /* that is never closed")

    def _end_of_dollar(self, tag: str) -> int:
        end = self._text.find(tag, self._position + len(tag))
        if end < 0:
            raise SplitError(self._line, f"a body {tag} that is never closed")
        return end + len(tag)

    def _word(self, word: str) -> None:
        if len(self._words) < 8:
            self._words.append(word)
            self._compound = self._compound or (self._words[0] == "CREATE" and word in _COMPOUND)
        if not self._compound:
            return
        if word == "BEGIN" or (word == "CASE" and self._depth):
            self._depth += 1
        elif word == "END" and self._depth:
            self._depth -= 1

    def _finish(self) -> None:
        text = "".join(self._pieces).rstrip()
        if text:
            if self._words and self._words[0] in _FORBIDDEN:
                raise SplitError(self._start, f"{self._words[0]}, which the program does itself around every file")
            self._done.append(Statement(text, self._start))
        self._clear()
