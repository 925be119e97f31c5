"""Split the text of a migration into statements, for both dialects, without understanding more SQL than it must.

The engine runs statements one by one: `executescript()` would commit the open transaction first, and a failure must
name its line. Comments are blanked, so that nested ones, which SQLite does not know, mean the same on both.
"""

import re
from typing import NamedTuple

_BETWEEN = r"(?:\s|--[^\n]*\n|/\*.*?\*/)+"
# Only these hold semicolons between BEGIN and END; elsewhere the three words are not looked for.
_COMPOUND = re.compile(
    rf"CREATE{_BETWEEN}(?:OR{_BETWEEN}REPLACE{_BETWEEN})?(?:(?:TEMP|TEMPORARY|CONSTRAINT){_BETWEEN})?"
    r"(?:TRIGGER|FUNCTION|PROCEDURE)\b",
    re.IGNORECASE | re.DOTALL,
)
# Each alternative begins with a character of its own: these are found twice as fast as a class among them.
_NEXT = re.compile(r"--|/\*|'|\"|\$|;|`|\[|\0")
_NEXT_IN_COMPOUND = re.compile(r"--|/\*|['\"$;`\[\0]|\b(?:BEGIN|CASE|END)\b", re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"\$(?:[^\W\d]\w*)?\$")
_ESCAPED = re.compile(r"'(?:[^'\\]|\\.|'')*'", re.DOTALL)
_QUOTED = {"'": re.compile(r"'(?:[^']|'')*'"), '"': re.compile(r'"(?:[^"]|"")*"'), "`": re.compile(r"`(?:[^`]|``)*`")}
_BLOCK_EDGE = re.compile(r"/\*|\*/")
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
    return _Splitter(text, dialect == "sqlite").run()


class _Splitter:
    def __init__(self, text: str, sqlite: bool) -> None:
        self._text = text
        self._sqlite = sqlite
        self._position = 0
        self._done: list[Statement] = []

    def run(self) -> tuple[Statement, ...]:
        line, counted = 1, 0
        while (start := self._next_start()) < len(self._text):
            line, counted = line + self._text.count("\n", counted, start), start
            statement = self._statement()
            first = _WORD.match(statement)
            if first and first.group().upper() in _FORBIDDEN:
                raise SplitError(line, f"{first.group().upper()}, which the program does itself around every file")
            self._done.append(Statement(statement, line))
        return tuple(self._done)

    def _next_start(self) -> int:
        """Go to where the next statement starts: past white space, comments and semicolons that end nothing."""
        while True:
            space = _SPACE.match(self._text, self._position)
            assert space is not None
            self._position = space.end()
            if self._text.startswith("--", self._position):
                self._position = self._end_of_line(self._position)
            elif self._text.startswith("/*", self._position):
                self._position = self._end_of_block(self._position)
            elif self._text.startswith(";", self._position):
                self._position += 1
            else:
                return self._position

    def _statement(self) -> str:
        """Read one statement and its semicolon; return it without comments."""
        text, begin = self._text, self._position
        compound = _COMPOUND.match(text, begin) is not None
        pattern = _NEXT_IN_COMPOUND if compound else _NEXT
        pieces: list[str] = []
        depth, taken = 0, begin
        while (match := pattern.search(text, self._position)) is not None:
            found, at = match.group().upper(), match.start()
            if found == ";" and not depth:
                break
            if found in {"--", "/*"}:
                end = self._end_of_line(at) if found == "--" else self._end_of_block(at)
                pieces += [text[taken:at], "\n" * text.count("\n", at, end) or " "]
                taken = self._position = end
            elif len(found) > 1:
                depth += _change_of_depth(found, depth)
                self._position = match.end()
            else:
                self._position = self._end_of_quoted(found, at)
        if depth:
            raise SplitError(self._line(begin), "a BEGIN without its END")
        stop = match.start() if match else len(text)
        self._position = stop + 1 if match else stop
        pieces.append(text[taken:stop])
        return "".join(pieces).rstrip()

    def _end_of_quoted(self, mark: str, at: int) -> int:
        """Return where what begins with `mark` ends; a mark that begins nothing ends after itself."""
        text = self._text
        before = text[at - 1] if at else ""
        if mark == "\0":
            raise SplitError(self._line(at), "a NUL character")
        if mark == "$":
            tag = None if before == "$" or before.isalnum() or before == "_" else _TAG.match(text, at)
            return self._end_of_dollar(tag.group(), at) if tag else at + 1
        if mark == ";" or (mark in {"[", "`"} and not self._sqlite):
            return at + 1
        if mark == "[":
            closing = text.find("]", at)
            return closing + 1 if closing > 0 else at + 1
        escaped = mark == "'" and before in {"e", "E"} and (at < 2 or not _WORD.match(text[at - 2]))
        match = (_ESCAPED if escaped else _QUOTED[mark]).match(text, at)
        if match is None:
            raise SplitError(self._line(at), f"a quote {mark} that is never closed")
        return match.end()

    def _end_of_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return end if end >= 0 else len(self._text)

    def _end_of_block(self, at: int) -> int:
        depth = 0
        for edge in _BLOCK_EDGE.finditer(self._text, at):
            depth += 1 if edge.group() == "/*" else -1
            if not depth:
                return edge.end()
        raise SplitError(self._line(at), "a comment /* that is never closed")

    def _end_of_dollar(self, tag: str, at: int) -> int:
        end = self._text.find(tag, at + len(tag))
        if end < 0:
            raise SplitError(self._line(at), f"a body {tag} that is never closed")
        return end + len(tag)

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1


def _change_of_depth(word: str, depth: int) -> int:
    """BEGIN opens, and CASE inside of it, for both end with END."""
    if word == "END":
        return -1 if depth else 0
    return 1 if word == "BEGIN" or depth else 0
