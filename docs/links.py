"""Check every link inside the built pages, and list those that lead elsewhere in external_links.txt beside them."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Links(HTMLParser):
    """What a page links to and loads, and which places in it can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.leads: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect one element."""
        given = {key: value or "" for key, value in attrs}
        self.places |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        if tag in ("img", "script") and "src" in given:
            self.loads.append(given["src"])
        if tag == "link" and given.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(given["href"])


def looked_up(folder: Path) -> tuple[list[str], set[str]]:
    """Return what is wrong with the links of built pages, and the addresses elsewhere.

    Parameters
    ----------
    folder : path
        Where Sphinx wrote the pages.
    """
    pages: dict[Path, Links] = {}
    for path in sorted(set(folder.rglob("*.html")) - set((folder / "_static").rglob("*"))):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    wrong, elsewhere = [], set()
    for path, found in pages.items():
        name = path.relative_to(folder)
        for link in [*found.leads, *found.loads]:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") or parts.netloc:
                if link in found.loads:
                    wrong.append(f"{name} loads {link}")
                elsewhere.add(link)
            elif parts.scheme in ("mailto", "data", "javascript"):
                continue
            else:
                target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
                if not target.exists():
                    wrong.append(f"{name} -> {link}")
                elif (
                    parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places
                ):
                    wrong.append(f"{name} -> {link} (no such place)")
    return wrong, elsewhere


def main() -> None:
    """Check the pages below the folder that is named."""
    folder = Path(sys.argv[1]).resolve()
    wrong, elsewhere = looked_up(folder)
    (folder / "external_links.txt").write_text("\n".join(sorted(elsewhere)) + "\n", encoding="utf-8")
    print(
        *wrong,
        f"{len(wrong)} broken links; {len(elsewhere)} addresses elsewhere: external_links.txt",
        sep="\n",
    )
    sys.exit(min(len(wrong), 1))


if __name__ == "__main__":
    main()
