"""The reference documentation says what the code does."""

import re
import runpy
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase as Counted

from productflo import metrics
from productflo.app import create_app
from productflo.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """docs/generate.py would write nothing new."""
    assert (DOCS / "reference" / name).read_text() == PAGES[name](), "run .venv/bin/python docs/generate.py"


@pytest.mark.parametrize("name", [name for name, one in vars(metrics).items() if isinstance(one, Counted)])
def test_every_metric_is_counted_and_seen_to_rise(name: str) -> None:
    """Some place in the product counts it, and some test looks at it."""
    (described,) = getattr(metrics, name).describe()
    exported = described.name.removeprefix("productflo_") + {"counter": "_total"}.get(described.type, "")
    assert any(f"metrics.{name}" in path.read_text() for path in (ROOT / "productflo").rglob("*.py"))
    looked_at = re.compile(rf'"(productflo_)?{exported}(_count)?[" ]')
    assert any(looked_at.search(path.read_text()) for path in (ROOT / "tests").rglob("test_*.py"))


def test_every_route_is_documented(tmp_path: Path) -> None:
    """Each route of the application, with its method, stands in docs/reference/http.md."""
    page = (DOCS / "reference" / "http.md").read_text()
    app = create_app(Settings(redis_url="unix:///nowhere.sock", data_dir=tmp_path))
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if not rule.websocket
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    named = set(re.findall(r"(?:GET|POST|PUT|PATCH|DELETE) /[^`\s]*", page))
    assert routes == named
