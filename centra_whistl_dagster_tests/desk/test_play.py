import shutil, json
from centra_whistl_dagster_tests.desk.conftest import Shop
from pathlib import Path


def test_play(shop: Shop) -> None:
    import os

    out = Path("/tmp/w/played")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    shutil.copytree(shop.desk.environment["STATE_DIR"], out / "state")
    pub = Path(shop.desk.environment["STATE_DIR"]).with_name("state-published")
    shutil.copytree(pub, out / "state-published")
    shutil.copytree(shop.desk.environment["CONFIG_DIR"], out / "config")
    (out / "now").write_text(shop.desk.clock().isoformat())
    (out / "orders").write_text(
        json.dumps(
            {
                k: getattr(shop, k).number
                for k in ("blocked", "hostile", "left", "at_whistl", "in_doubt")
            }
            | {"feed": shop.refused_feed, "skus": shop.desk.skus[:8]}
        )
    )
    print(shop.desk.counts(), shop.desk.problems())
    for path in [
        "/",
        "/health",
        "/feeds",
        f"/orders/{shop.left.number}",
        f"/orders/{shop.hostile.number}",
        f"/skus/{shop.desk.skus[3]}",
        f"/feeds/{shop.refused_feed}",
    ]:
        r = shop.pages.get(path)
        print(path, r.status_code)
        print(r.text[:300] if r.status_code != 200 else "")
