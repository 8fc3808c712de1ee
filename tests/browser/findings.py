"""What is wrong with a page in a browser: at one width, in light or dark."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browser.chromium import Tab

__all__ = ["LARGEST", "LOOKS", "page_findings", "paper_findings"]

LOOKS = [(width, dark) for width in (1280, 400) for dark in (False, True)]
LARGEST = 5_000_000  # bytes
PAPER = 718  # CSS pixels between the margins of A4
GRAVE = ("serious", "critical")  # axe-core's own words

# The page where it is wider than the window, and the innermost elements that make it so.
STICKING_OUT = """(() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((e) => !e.closest("svg")
    && (e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > root.clientWidth)
    && getComputedStyle(e).overflowX === "visible");
  const inner = wide.filter((e) => !wide.some((other) => other !== e && e.contains(other)));
  const said = inner.map((e) => `${e.tagName} “${e.textContent.trim().slice(0, 40)}”`);
  return [`page of ${root.scrollWidth} px`, ...said].slice(0, 5);
})()"""

# Marks all that a keyboard has to reach and returns what each is.
MARK = """(() => {
  const found = [];
  const scrolls = (e) => {
    const style = getComputedStyle(e);
    return (/auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth)
        || (/auto|scroll/.test(style.overflowY) && e.scrollHeight > e.clientHeight);
  };
  const acts = "a[href], button, input, select, textarea, summary, audio[controls], "
             + "video[controls], [tabindex]:not([tabindex='-1'])";
  for (const e of document.body.querySelectorAll("*")) {
    if (e.closest("svg") && e.tagName !== "A" && e.tagName !== "a") continue;
    if (!e.checkVisibility({visibilityProperty: true}) || e.disabled) continue;
    if (!e.matches(acts) && !scrolls(e)) continue;
    e.dataset.reach = found.length;
    const bare = scrolls(e) && !e.hasAttribute("tabindex");  // not every browser stops there
    const name = e.getAttribute("aria-label") || e.textContent.trim();
    found.push(`${e.tagName.toLowerCase()} “${bare ? "no tabindex: " : ""}${name.slice(0, 40)}”`);
  }
  return found;
})()"""

# What has the focus now, and whether one sees that.
FOCUSED = """(() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e), box = e.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight
              && box.right > 0 && box.left < innerWidth;
  return {reach: e.dataset.reach ?? null, seen: outlined && inside, tag: e.tagName};
})()"""

AXE = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.map(
  (rule) => ({id: rule.id, impact: rule.impact, help: rule.help,
              at: rule.nodes.slice(0, 3).map((node) => node.target.join(" "))})))"""


def page_findings(
    tab: Tab, path: Path, *, width: int, dark: bool = False, axe: str | None = None
) -> list[str]:
    """One line for each thing wrong; none of a good page.

    Parameters
    ----------
    path
        Of the page.
    width
        Of the window, CSS pixels.
    axe
        Source of axe-core; without it accessibility is not looked at.
    """
    tab.look(width, dark=dark)
    tab.open(path)
    found = [f"sticks out: {what}" for what in tab.evaluate(STICKING_OUT)]
    found += _keyboard(tab)
    if axe is not None:
        tab.evaluate(f"{axe}; 0")
        for rule in tab.evaluate(AXE):
            if rule["impact"] in GRAVE:
                found.append(f"axe {rule['id']} ({rule['impact']}): {rule['help']}: {rule['at']}")
    found += _said(tab)
    found += [f"asked for {url[:80]}" for url in _requests(tab, path)]
    if path.stat().st_size > LARGEST:
        found.append(f"{path.stat().st_size / 1e6:.1f} MB")
    return found


def paper_findings(tab: Tab, path: Path) -> list[str]:
    """What is wrong with a page once it is printed by a reader who likes dark pages."""
    tab.look(PAPER, dark=True)
    tab.open(path)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    tab.call("Emulation.setEmulatedMedia", media="print", features=features)
    found = [f"sticks out: {what}" for what in tab.evaluate(STICKING_OUT)]
    if tab.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)":
        found.append("its background is printed")
    for part in ("nav", "details table"):
        shown = f"(e => !e || e.checkVisibility())(document.querySelector('{part}'))"
        if not tab.evaluate(shown):
            found.append(f"{part} is not printed")
    return found


def _keyboard(tab: Tab) -> Iterator[str]:
    """What the Tab key does not reach, and where one does not see that it did."""
    marked = tab.evaluate(MARK)
    reached: set[int] = set()
    unseen: set[int] = set()
    for _ in range(len(marked) + 20):
        tab.press_tab()
        focused = tab.evaluate(FOCUSED)
        if focused is None:
            if reached:
                break  # past the last one
            continue
        if focused["reach"] is None:
            yield f"focus on {focused['tag'].lower()}, which does nothing"
            continue
        at = int(focused["reach"])
        if at in reached:
            break
        reached.add(at)
        if not focused["seen"]:
            unseen.add(at)
    for at, name in enumerate(marked):
        if at not in reached or "no tabindex" in name:
            yield f"Tab does not reach {name}"
        elif at in unseen:
            yield f"focus is not to be seen on {name}"


def _said(tab: Tab) -> Iterator[str]:
    """Errors and warnings on the console."""
    for said in tab.events("Runtime.consoleAPICalled"):
        if said["type"] in ("error", "warning", "assert"):
            yield f"console: {json.dumps(said['args'])[:200]}"
    for said in tab.events("Runtime.exceptionThrown"):
        yield f"exception: {said['exceptionDetails']['text']}"
    for said in tab.events("Log.entryAdded"):
        if said["entry"]["level"] in ("error", "warning"):
            yield f"console: {said['entry']['text']}"


def _requests(tab: Tab, path: Path) -> list[str]:
    """Everything that was loaded beside the file itself; what it holds as data: is no request."""
    said: list[dict[str, Any]] = tab.events("Network.requestWillBeSent")
    urls = [one["request"]["url"].partition("#")[0] for one in said]
    return [url for url in urls if url != path.resolve().as_uri() and not url.startswith("data:")]
