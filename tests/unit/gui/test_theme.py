"""The colours by number: everything that is written can be read, in both themes (WCAG 2.1, contrast 4.5:1)."""

import pytest

from gui.theme import DARK, LIGHT, TONES, Tokens

_READABLE = 4.5
_GROUNDS = ("window", "panel", "field", "hover", "accent_soft")
_BARS = ("accent_soft", "ok_soft", "warning_soft", "error_soft")
PAIRS = {
    *((word, ground) for word in ("text", "muted", "accent", "ok", "warning", "error", "live") for ground in _GROUNDS),
    *(("faint", ground) for ground in ("window", "panel", "field")),
    *((tone, f"{tone}_soft") for tone in TONES),
    *((word, ground) for word in ("text", "muted", "accent") for ground in _BARS),
    ("accent_text", "accent"),
    ("neutral", "neutral_soft"),
    ("window", "error"),
}


def luminance(color: str) -> float:
    """Return the relative luminance of "#rrggbb" (WCAG 2.1)."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_what_the_standard_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_word_can_be_read_on_its_ground(tokens: Tokens) -> None:
    found = {(word, ground): contrast(getattr(tokens, word), getattr(tokens, ground)) for word, ground in PAIRS}
    assert {pair: round(ratio, 2) for pair, ratio in found.items() if ratio < _READABLE} == {}
