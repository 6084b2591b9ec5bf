"""The dashboard's themes and the palette that draws with them. Owns every colour; knows no widget.

Textual's own themes work too: a palette is made from any theme's variables. Lines drawn on the line API ask it for
styles by role (what a text means) and surface (what it stands on).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual.color import Color, ColorParseError
from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

THEMES = (
    Theme(
        name="gridtui-dark",
        primary="#7aa8e6",
        secondary="#5b7fb0",
        accent="#86cbc0",
        success="#85c795",
        warning="#e5b567",
        error="#f07a78",
        foreground="#ccd3dc",
        background="#11151b",
        surface="#171c24",
        panel="#202733",
        dark=True,
    ),
    Theme(
        name="gridtui-light",
        primary="#2b62ab",
        secondary="#5580b5",
        accent="#15756a",
        success="#2a7a3f",
        warning="#935b00",
        error="#bb2a2d",
        foreground="#252b33",
        background="#fbfbf9",
        surface="#f1f2f0",
        panel="#e4e7e8",
        dark=False,
    ),
    Theme(
        name="gridtui-contrast",
        primary="#66ccff",
        secondary="#ffffff",
        accent="#00ffff",
        success="#00ff66",
        warning="#ffd700",
        error="#ff8585",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#222222",
        dark=True,
    ),
    # The hues of Okabe and Ito: blue, yellow and vermilion stay apart in every common kind of colour blindness.
    Theme(
        name="gridtui-safe",
        primary="#56b4e9",
        secondary="#0072b2",
        accent="#dd97bf",
        success="#56b4e9",
        warning="#f0e442",
        error="#f28d4f",
        foreground="#d6d9de",
        background="#12141a",
        surface="#181b22",
        panel="#232833",
        dark=True,
    ),
    Theme(
        name="gridtui-mono",
        primary="#d0d0d0",
        secondary="#a0a0a0",
        accent="#e0e0e0",
        success="#c0c0c0",
        warning="#e4e4e4",
        error="#ffffff",
        foreground="#c6c6c6",
        background="#121212",
        surface="#1a1a1a",
        panel="#2a2a2a",
        dark=True,
    ),
)
"""Our own, in the order in which the theme key goes through them. Ours before Textual's in the palette."""

DEFAULT = "gridtui-dark"

CYCLE = tuple(theme.name for theme in THEMES)


def worn(wish: str, no_colour: bool) -> str:
    """The theme to begin with. Without colours, ours of greys: colours made grey would make what is critical darker than what is well."""
    return "gridtui-mono" if no_colour and wish == DEFAULT else wish


# Role: (theme variable, share of the background mixed in, bold)
_ROLES: Mapping[str, tuple[str, float, bool]] = {
    "text": ("foreground", 0.0, False),
    "strong": ("foreground", 0.0, True),
    "dim": ("foreground", 0.30, False),
    "faint": ("foreground", 0.45, False),
    "track": ("foreground", 0.80, False),
    "ok": ("success", 0.0, False),
    "warning": ("warning", 0.0, False),
    "critical": ("error", 0.0, True),
    "unknown": ("secondary", 0.0, False),
    "accent": ("accent", 0.0, False),
    "primary": ("primary", 0.0, False),
    "title": ("primary", 0.0, True),
    "header": ("foreground", 0.30, False),
    "header-sort": ("accent", 0.0, True),
    "bar": ("primary", 0.0, False),
    "spark": ("accent", 0.15, False),
    "second": ("warning", 0.10, False),
    "key": ("accent", 0.0, True),
    "banner": ("warning", 0.0, True),
    "match": ("accent", 0.0, False),
}

# Role of a step of a scale, or a curve: (theme variable, the one it is blended with, how much, share of the background mixed in).
# Towards the bad end it is hotter; lighter too, so that it also reads in grey.
_RAMPS: Mapping[str, tuple[str, str, float, float]] = {
    "heat0": ("success", "success", 0.0, 0.48),
    "heat1": ("success", "success", 0.0, 0.34),
    "heat2": ("success", "success", 0.0, 0.15),
    "heat3": ("success", "warning", 0.55, 0.08),
    "heat4": ("warning", "warning", 0.0, 0.0),
    "heat5": ("warning", "error", 0.5, 0.0),
    "heat6": ("error", "error", 0.0, 0.0),
    "flow0": ("primary", "primary", 0.0, 0.48),
    "flow1": ("primary", "primary", 0.0, 0.40),
    "flow2": ("primary", "primary", 0.0, 0.32),
    "flow3": ("primary", "primary", 0.0, 0.24),
    "flow4": ("primary", "primary", 0.0, 0.14),
    "flow5": ("primary", "accent", 0.4, 0.0),
    "flow6": ("accent", "foreground", 0.4, 0.0),
    # Curves beside one another; each has a letter too.
    "curve0": ("primary", "primary", 0.0, 0.0),
    "curve1": ("warning", "warning", 0.0, 0.0),
    "curve2": ("error", "error", 0.0, 0.0),
    "curve3": ("accent", "accent", 0.0, 0.0),
    "curve4": ("foreground", "foreground", 0.0, 0.0),
    "curve5": ("success", "foreground", 0.35, 0.0),
}
_MARKS = frozenset({"track", "spark", "second", "bar", *_RAMPS})
"""Roles that draw and are not read: shapes need less contrast than letters. The rest of a bar says nothing, so it needs none."""

_LEAST = {"gridtui-contrast": (7.0, 4.5)}
_USUAL = (4.5, 3.0)
"""The least contrast with the ground, of text and of shapes (WCAG 2.2, 1.4.3, 1.4.6 and 1.4.11), whatever a theme's own colours are."""

TINT = 0.22
"""How much of a step's colour the surface under it has."""

# Surface: the theme variable and how much of it lies over the background.
_SURFACES: Mapping[str, tuple[str, float]] = {
    "base": ("background", 1.0),
    "raised": ("surface", 1.0),
    "cursor": ("primary", 0.24),
    "cursor-blurred": ("primary", 0.12),
    "group": ("panel", 0.75),
}


class Palette:
    """Styles of one theme, made once. Two palettes of one theme are equal."""

    def __init__(self, name: str, variables: Mapping[str, str], ansi: bool = False) -> None:
        self.name = name
        self._ansi = ansi
        self._variables = variables
        self._styles: dict[tuple[str, str], Style] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Palette) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def style(self, role: str, surface: str = "base") -> Style:
        """The style of a text of `role` (see `_ROLES` and `_RAMPS`) that stands on `surface` (see `_SURFACES` and `_RAMPS`)."""
        style = self._styles.get((role, surface))
        if style is None:
            style = self._styles[role, surface] = self._make(role, surface)
        return style

    def _make(self, role: str, surface: str) -> Style:
        if role in _RAMPS:
            variable, over, share, mix = _RAMPS[role]
            bold = False
        else:
            variable, mix, bold = _ROLES[role]
            over, share = variable, 0.0
        if self._ansi:
            # The terminal's own sixteen colours cannot be mixed: dim and reverse stand in.
            return Style(
                color=_ANSI.get(variable),
                bold=bold or None,
                dim=mix > 0.3 or None,
                reverse=(surface.startswith("cursor") != (role == "match")) or None,
            )
        ground = self._colour("background", Color(0, 0, 0))
        back = self._ground(surface, ground)
        fore = self._colour(variable, Color(204, 204, 204))
        if share:
            fore = fore.blend(self._colour(over, fore), share)
        fore = fore.blend(back, mix)
        text, shape = _LEAST.get(self.name, _USUAL)
        if role in ("banner", "match"):
            fore, back = ground, _apart(fore, ground, text)
        elif role != "track":
            fore = _apart(fore, back, shape if role in _MARKS else text)
        return Style(color=fore.rich_color, bgcolor=back.rich_color, bold=bold or None)

    def _ground(self, surface: str, ground: Color) -> Color:
        if surface in _RAMPS:
            variable, other, part, mix = _RAMPS[surface]
            tint = self._colour(variable, ground).blend(self._colour(other, ground), part)
            return ground.blend(tint, TINT * (1 - mix / 2))
        over, share = _SURFACES[surface]
        if surface.startswith("cursor") and ground.brightness > 0.5:
            share /= 2  # on white, a tint that is as strong as on black would swallow coloured text
        return ground.blend(self._colour(over, ground), share)

    def _colour(self, variable: str, fallback: Color) -> Color:
        try:
            return Color.parse(self._variables.get(variable, ""))
        except ColorParseError:
            return fallback


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
        for part in (colour.r / 255, colour.g / 255, colour.b / 255)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _apart(fore: Color, back: Color, least: float) -> Color:
    """The colour, as much nearer to white (on a light ground: black) as the least contrast asks for."""
    pole = max((Color(255, 255, 255), Color(0, 0, 0)), key=lambda one: contrast(one, back))
    return next(
        (nearer for step in range(50) if contrast(nearer := fore.blend(pole, step / 50), back) >= least),
        pole,
    )


_ANSI = {
    "success": "green",
    "warning": "yellow",
    "error": "red",
    "primary": "blue",
    "accent": "cyan",
    "secondary": "magenta",
}

_made: dict[tuple[str, bool], Palette] = {}


def palette(app: App[Any]) -> Palette:
    """The palette of the theme in force."""
    key = app.theme, app.native_ansi_color
    if key not in _made:
        _made[key] = Palette(app.theme, app.get_css_variables(), app.native_ansi_color)
    return _made[key]
