import json

from benchmarks.gallery import main


def test_a_small_gallery_gives_every_figure(capsys):
    main(["--rows", "1500", "--dimension", "8", "--enrolled", "300", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert (figures["rows"], figures["dimension"]) == (1500, 8)
    for name in ("search_ratio_to_faiss", "search_ratio_to_faiss_64", "search_p50_ms"):
        assert set(figures[name]) == {"100", "10", "1"}
        assert all(value > 0 for value in figures[name].values())
    assert set(figures["enroll_rows_per_s"]) == {"sqlite_1", "sqlite_256", "redis_1", "redis_256"}
    assert all(rate > 0 for rate in figures["enroll_rows_per_s"].values())
    assert figures["delete_to_invisible_ms"] > 0
    assert set(figures["restart_s"]) == {"snapshot", "store"}


def test_redis_can_hold_what_is_searched_and_people_can_read_the_figures(capsys):
    main(["--rows", "1500", "--dimension", "8", "--enrolled", "300", "--searched-store", "redis"])
    text = capsys.readouterr().out
    assert text.startswith("1,500 rows of 8\n")
    assert "delete to invisible ms: " in text
