"""The splitter: what it must not cut, what it must refuse, and the line that it names."""

import pytest

from storage.migrator.statements import SplitError, split


def texts(sql: str, dialect: str = "sqlite") -> list[str]:
    return [statement.text for statement in split(sql, dialect)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 'a;b'",
        "SELECT 'it''s; -- no comment'",
        "SELECT 'a /* b; */ c'",
        'SELECT 1 AS "a;""b"',
        "SELECT '100 % of %s and %(name)s'",
        "SELECT 'two\nlines;'",
        "SELECT a$b$c FROM t",
        "SELECT E'it\\'s; so'",
        "SELECT $$a;b$$",
        "SELECT $tag$a; $$ b; $other$ $tag$",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN c THEN 1 ELSE 2 END; DELETE FROM d; END",
    ],
)
def test_a_semicolon_inside_something_does_not_end_a_statement(statement: str, dialect: str) -> None:
    assert texts(f"{statement};\nSELECT 2;", dialect) == [statement, "SELECT 2"]


def test_identifiers_in_sqlites_own_quotes_are_kept_whole() -> None:
    assert texts("SELECT `a;b`, [c;'d] FROM t; SELECT 2") == ["SELECT `a;b`, [c;'d] FROM t", "SELECT 2"]


def test_square_brackets_are_subscripts_in_postgresql() -> None:
    assert texts("SELECT ARRAY['a]', 'b;'][1]; SELECT 2", "postgresql") == ["SELECT ARRAY['a]', 'b;'][1]", "SELECT 2"]


def test_a_function_body_of_standard_sql_is_one_statement() -> None:
    sql = "CREATE FUNCTION f() RETURNS int LANGUAGE SQL BEGIN ATOMIC SELECT 1; SELECT 2; END"
    assert texts(f"{sql}; SELECT 3", "postgresql") == [sql, "SELECT 3"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_comments_vanish_and_nested_ones_mean_the_same_on_both(dialect: str) -> None:
    sql = "-- one; 'two\nSELECT /* a /* b; */ ' */ 1 -- tail;\n, 2; /* only a comment */ ; -- end"
    assert [text.split() for text in texts(sql, dialect)] == [["SELECT", "1", ",", "2"]]


def test_a_statement_names_the_line_where_it_starts() -> None:
    sql = "-- first\n\nSELECT 1;\n/* two\nlines */ SELECT\n 2;\n\n  SELECT 'x\ny'; SELECT 4;"
    assert [statement.line for statement in split(sql, "sqlite")] == [3, 5, 8, 9]


def test_lines_inside_a_statement_stay_where_the_driver_counts_them() -> None:
    assert split("SELECT 1, /* a\nb */\n2", "sqlite")[0].text.count("\n") == 2


@pytest.mark.parametrize(
    ("sql", "line", "words"),
    [
        ("SELECT 1;\nSELECT 'open;\n", 2, "never closed"),
        ('SELECT "open', 1, "never closed"),
        ("SELECT 1;\n\n/* open /* */", 3, "never closed"),
        ("SELECT $a$ open $b$", 1, "never closed"),
        ("\nCREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;", 2, "without its END"),
        ("SELECT 1;\nCOMMIT;", 2, "COMMIT"),
        ("begin; SELECT 1;", 1, "BEGIN"),
        ("VACUUM", 1, "VACUUM"),
        ("SELECT 1\0", 1, "NUL"),
    ],
)
def test_what_cannot_be_split_is_refused_with_its_line(sql: str, line: int, words: str) -> None:
    with pytest.raises(SplitError, match=words) as caught:
        split(sql, "sqlite")
    assert caught.value.line == line
