"""The page in a real browser: Chromium, without a window. Where there is none, these tests are skipped."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.page import page
from sim.plots import draw
from sim.study import study

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr "
    "--hide-scrollbars --window-size=1400,900 --virtual-time-budget=10000 --dump-dom"
).split()
EXAMPLE = Path(__file__).parents[2] / "examples" / "webapp.json"
PHONE, DESKTOP = 360, 1280

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no chromium: apt-get install chromium")

# What the page looks like is measured by a script that is added to it.
MEASURE = """<script>
addEventListener("load", async () => {
  const box = element => element.getBoundingClientRect();
  const all = selector => [...document.querySelectorAll(selector)];
  const images = [...all("img").map(image => image.src), ...all("svg image").map(image => image.href.baseVal)];
  const drawn = await Promise.all(images.map(async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image.naturalWidth;
  }));
  const found = {
    window: innerWidth,
    page: document.documentElement.scrollWidth,
    images: drawn,
    plots: all("svg").map(svg => [box(svg).width, box(svg).height]),
    outside: all("svg").flatMap(svg => [...svg.querySelectorAll("text")].filter(text =>
      box(text).left < box(svg).left - 1 || box(text).right > box(svg).right + 1).map(text => text.textContent)),
    letters: Math.min(...all("svg text").map(text => box(text).height)),
    tables: all("table").map(table => [box(table.parentElement).right, table.rows.length,
      parseFloat(getComputedStyle(table).fontSize), getComputedStyle(table.parentElement).overflowX]),
    heading: document.querySelector("h1").textContent,
  };
  parent.postMessage(JSON.stringify(found), "*");
});
</script>"""
# A window can't be as narrow as a telephone, a frame in it can.
FRAMES = """<!DOCTYPE html><html><body>
<iframe src="page.html" style="border: 0; width: 360px; height: 800px"></iframe>
<iframe src="page.html" style="border: 0; width: 1280px; height: 800px"></iframe>
<script>
addEventListener("message", event => {
  const found = document.createElement("pre");
  found.textContent = event.data;
  document.body.append(found);
});
</script>
</body></html>"""


def browse(text, folder):
    """Open a page; return what is measured there, by width, and what the browser has to complain of."""
    (folder / "page.html").write_text(text.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    (folder / "frames.html").write_text(FRAMES)
    done = subprocess.run(
        [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", (folder / "frames.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
    )
    measured = [json.loads(html.unescape(found)) for found in re.findall("<pre>(.*?)</pre>", done.stdout)]
    assert sorted(found["window"] for found in measured) == [PHONE, DESKTOP], done.stdout + done.stderr
    return {found["window"]: found for found in measured}, re.findall(".*CONSOLE.*", done.stderr)


@pytest.fixture(scope="module")
def example():
    result = study(EXAMPLE)
    return page(EXAMPLE, result, draw(EXAMPLE, result))


@pytest.fixture
def keys_and_waits(files):
    """A page with what the example has not: waits, and several keys, one with a long name."""
    load = {
        "kind": "inline",
        "arrival": [*range(20), *range(20)],
        "hold": [3] * 40,
        "key": ["a", "the pool of a user whose name is longer than a telephone is wide & <b>"] * 20,
    }
    load["arrival"].sort()
    path = files.write(load, pool={"alloc": False, "init": 2, "timeout": 0}, sweep={"maxsize": [1, 2, None]})
    result = study(path)
    return page(path, result, draw(path, result))


@pytest.mark.parametrize(("name", "plots", "rows"), [("example", 4, [37]), ("keys_and_waits", 4, [4, 3])])
def test_the_page_can_be_read_on_a_phone_and_on_a_desk(request, tmp_path, name, plots, rows):
    measured, complaints = browse(request.getfixturevalue(name), tmp_path)

    assert complaints == []
    for width, found in measured.items():
        assert found["page"] <= width, "it scrolls sideways"
        assert len(found["images"]) == (2 if name == "example" else 0)  # the heatmap and its scale
        assert all(natural > 0 for natural in found["images"])
        assert len(found["plots"]) == plots
        assert all(width * 0.5 < w <= width and h > 150 for w, h in found["plots"])
        assert found["outside"] == [], "cut off"
        assert found["letters"] >= 8
        assert [count for _, count, _, _ in found["tables"]] == rows
        assert all(right <= width and size >= 12 and scrolls == "auto" for right, _, size, scrolls in found["tables"])
        assert found["heading"].startswith("Recommended: maxsize=")


def test_what_is_wrong_with_a_page_is_seen(example, tmp_path):
    damage = (
        "<div style='width: 500px'>wide</div><svg><text x='-50'>out</text></svg><script>console.error('no')</script>"
        "<script>undefined.x</script>"
    )
    measured, complaints = browse(example.replace("</body>", f"{damage}</body>"), tmp_path)

    assert measured[PHONE]["page"] > PHONE
    assert measured[PHONE]["outside"] == measured[DESKTOP]["outside"] == ["out"]
    assert len(complaints) == 2 * len(measured)
