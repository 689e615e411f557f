"""From the body of a search to what the gallery is asked."""

from service.api.filter_json import read_filter, time_window
from service.api.schemas import RerankBody, SearchOptionsBody, TopologyBody
from service.errors import InvalidQuery
from service.gallery.filter_tree import EVERYTHING, Equals, Filter, Joined
from service.gallery.ranking.reranking import Reranking
from service.gallery.ranking.search import SearchOptions
from service.gallery.ranking.topology import Topology, Transit
from service.settings import Settings


def search_options(body: SearchOptionsBody, settings: Settings) -> SearchOptions:
    """The options that the body asks for.

    Raises:
        InvalidQuery: When a number is out of range, or the filter or topology cannot be used.
        InvalidIdentifier: When a name is one that nothing can have.
    """
    if body.top_k > settings.max_top_k:
        raise InvalidQuery(
            expected=f"`top_k` of at most {settings.max_top_k}",
            received=str(body.top_k)[:40],
            remedy="ask for fewer matches, or raise the service's limit",
        )
    return SearchOptions(
        filter=_filter(body),
        exclude_same_camera=body.exclude_same_camera,
        exclude_ids=tuple(body.exclude_ids),
        topology=None if body.topology is None else _topology(body.topology),
        query_camera=body.camera,
        query_interval_s=_query_interval_s(body),
        top_k=body.top_k,
        min_similarity=body.min_similarity,
        group_by=body.group_by,
        group_mode=body.group_mode,
        group_top_m=body.m,
        max_per_camera=body.max_per_camera,
        rerank=None if body.rerank is None else _reranking(body.rerank),
        mode=body.mode,
    )


def _filter(body: SearchOptionsBody) -> Filter:
    rules: list[Filter] = []
    if body.cameras is not None:
        rules.append(Equals("camera", tuple(body.cameras)))
    rules += time_window(body.start, body.end)
    if body.filter is not None:
        rules.append(read_filter(body.filter))
    return Joined(tuple(rules)) if rules else EVERYTHING


def _query_interval_s(body: SearchOptionsBody) -> tuple[float, float] | None:
    """With only one end known the query is that moment."""
    start_s = body.query_end if body.query_start is None else body.query_start
    end_s = body.query_start if body.query_end is None else body.query_end
    return None if start_s is None or end_s is None else (start_s, end_s)


def _topology(body: TopologyBody) -> Topology:
    transits = (
        Transit(each.from_camera, each.to_camera, each.least_s)
        if each.most_s is None
        else Transit(each.from_camera, each.to_camera, each.least_s, each.most_s)
        for each in body.transits
    )
    return Topology(tuple(transits), body.unlisted)


def _reranking(body: RerankBody) -> Reranking:
    return Reranking(first=body.first, k1=body.k1, k2=body.k2, original=body.original)
